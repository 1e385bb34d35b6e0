import { styleText } from 'node:util'
import type { Baseline, Evaluation } from '../../core/records/evaluation.ts'
import { speedOutcome } from '../../core/speedup.ts'

/** How a pair outside any recipe was judged. */
export interface Judgement {
  readonly outcome: 'accepted' | 'refused' | 'not_judged'
  /** The seed that inputs were drawn from. */
  readonly seed: number
  /** One per workload; empty where it never came to judging. */
  readonly evaluations: readonly Evaluation[]
  /** Why it never came to judging. */
  readonly reason?: string
  /** Where the judge's time went, by phase; of many pairs only, for a pair by itself says the same each time. */
  readonly seconds?: Readonly<Record<string, number>>
}

/** A judgement for people: the outcome in the first line, then what it rests on. */
export function renderJudgement({ outcome, seed, evaluations, reason }: Judgement): string {
  const lines = reason === undefined ? evaluations.flatMap(linesOf) : [reason]
  return [styleText(COLORS[outcome], TITLES[outcome]), ...lines.map((line) => `  ${line}`), `  seed ${seed}`].join('\n')
}

const TITLES = { accepted: 'accepted', refused: 'refused', not_judged: 'could not be judged' } as const
const COLORS = { accepted: 'green', refused: 'red', not_judged: 'yellow' } as const

function linesOf(row: Evaluation): string[] {
  const where = row.proved_on === null ? '' : ` on ${PLACES[row.proved_on]}`
  const why = row.status === 'PASSED' ? '' : ` (${[row.stage, row.cause].filter((part) => part !== null).join('.')})`
  const failed = row.checks.filter(({ passed }) => passed === false)
  return [
    `${row.status}${why}${where}, ${row.environment.hardware}`,
    ...row.log.split('\n').filter((line) => line !== ''),
    ...correctnessOf(row),
    ...performanceOf(row),
    ...workOf(row),
    ...failed.map(({ check, detail }) => `not ${check}${detail === null ? '' : `: ${detail}`}`),
    // What never ran was behind nothing, and need not be.
    ...(row.proved_on === null || row.proved_on === 'compiler'
      ? []
      : [`sandbox: ${row.environment.sandbox.length} layers`]),
  ]
}

const PLACES = { gpu: 'a GPU', cpu: 'the processor', interpreter: 'Triton’s interpreter', compiler: 'a compiler alone' }

function correctnessOf({ correctness }: Evaluation): string[] {
  if (correctness === null) return []
  const { num_calls, max_absolute_error: error, tolerance_atol, tolerance_rtol } = correctness
  const largest = error === null ? 'values that are not finite' : `largest error ${error.toPrecision(2)}`
  return [
    `${num_calls} calls with fresh inputs, ${largest}, allowed ${tolerance_atol.toPrecision(2)} + ${tolerance_rtol.toPrecision(2)} of the value`,
  ]
}

function performanceOf({ performance }: Evaluation): string[] {
  if (performance === null) return []
  const { speedup, speedup_ci_low: low, speedup_ci_high: high, latency_ms, reference_latency_ms } = performance
  const outcome = speedOutcome(low, high)
  return [
    `${outcome === 'indistinguishable' ? 'indistinguishable from the reference' : outcome}: ${speedup.toFixed(2)} times the reference’s speed (${low.toFixed(2)} to ${high.toFixed(2)}), ` +
      `${latency_ms.toPrecision(3)} ms against ${reference_latency_ms.toPrecision(3)} ms`,
    ...(performance.baselines ?? []).map(baselineLine),
  ]
}

function baselineLine({ baseline, speedup, speedup_ci_low: low, speedup_ci_high: high, reason }: Baseline): string {
  const name = baseline === 'compile' ? 'torch.compile' : 'torch.compile with max-autotune'
  if (speedup === null || low === null || high === null) return `${name} could not be timed: ${reason ?? 'unknown'}`
  return `${speedup.toFixed(2)} times the speed of ${name} (${low.toFixed(2)} to ${high.toFixed(2)})`
}

function workOf({ work }: Evaluation): string[] {
  if (work === null) return []
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`
  const largest = work.parts.find(({ origin }) => origin === 'library')
  const named = largest === undefined ? '' : `, mostly ${largest.name}`
  return [
    `${percent(work.own_kernel_share)} of its time in kernels of its own, ${percent(work.library_share)} in libraries${named}`,
  ]
}
