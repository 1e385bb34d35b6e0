import { hashOf } from '../pipelines/core/hash.ts'
import type { CertifiedOn, Performance } from '../pipelines/core/records/evaluation.ts'
import type { EvaluateRequest, JudgedRow, Seconds, SelfTiming } from './protocol.ts'

/** Rows, and the device that they come from. */
export interface JudgedOn {
  readonly rows: readonly JudgedRow[]
  /** UUID of a GPU. */
  readonly slot: string
  readonly seconds: Seconds
  readonly selfTimings: readonly SelfTiming[]
}

/** A row with what a second GPU said of it. */
export type CertifiedRow = JudgedRow & { readonly certified_on?: CertifiedOn[] }

/** Verdicts and figures are checks of their own: a kernel can be right on both GPUs and faster than the reference on one. */
const VERDICT = 'second-gpu@1'
const FIGURE = 'second-gpu-timing@1'

/**
 * How far two speedups may lie apart beyond their intervals: times of one kernel on GPUs of one type differ by up to 3 %, and each judge
 * may be off by 1 % before it leaves figures out (`judge/self_timing.py`).
 */
const MOST_APART = 1.05

/**
 * What is accepted on a GPU is judged on another one: `again` asks there, and gives null where none is left; it is null where there is
 * only one.
 */
export async function certified(
  first: JudgedOn,
  again: (() => Promise<JudgedOn | null>) | null,
): Promise<Omit<JudgedOn, 'slot' | 'rows'> & { readonly rows: CertifiedRow[] }> {
  const reason = reasonAgainst(first.rows) ?? (again === null ? 'one GPU judges here' : null)
  if (reason !== null || again === null) return { ...first, rows: withoutSecondGpu(first.rows, reason ?? '') }
  const second = await again()
  if (second === null) return { ...first, rows: withoutSecondGpu(first.rows, 'the other GPUs were taken out of use') }
  const selfTimings = [...first.selfTimings, ...second.selfTimings]
  return { rows: heldAgainst(first, second), seconds: sumOf(first.seconds, second.seconds), selfTimings }
}

// Why no second GPU needs to be asked.
function reasonAgainst(rows: readonly JudgedRow[]): string | null {
  if (rows.some(({ blame }) => blame === 'candidate')) return 'it was refused'
  return rows.some(isProvedOnGpu) ? null : 'no GPU judged it'
}

/**
 * The same question with other secrets: nothing that was drawn for the first GPU is drawn again. What the reference takes compiled is
 * known already.
 */
export function forSecondGpu<Asked extends Pick<EvaluateRequest, 'settings'>>(question: Asked): Asked {
  const seed = Number.parseInt(hashOf(['second-gpu', question.settings.seed]).slice(0, 8), 16)
  return { ...question, settings: { ...question.settings, seed, baselines: [] } }
}

function withoutSecondGpu(rows: readonly JudgedRow[], reason: string): CertifiedRow[] {
  return rows.map((row) => (row.status === 'PASSED' ? notCertified(row, reason) : row))
}

function notCertified(row: JudgedRow, reason: string): CertifiedRow {
  return { ...row, checks: [...row.checks, finding(VERDICT, null, reason), finding(FIGURE, null, reason)] }
}

// What passed on one GPU and not on the other is refused as the second one says, with the cause `NOT_REPRODUCED`. A figure stays where
// both have one and these agree, or cannot be compared.
function heldAgainst(first: Judged, second: Judged): CertifiedRow[] {
  return first.rows.map((row, index) => {
    const other = second.rows[index]
    if (!isProvedOnGpu(row) || other === undefined || other.workload_id !== row.workload_id) return row
    if (isProvedOnGpu(other)) return confirmed({ row, gpu: first.slot }, { row: other, gpu: second.slot })
    if (other.blame !== null) return notReproduced(row, other)
    return notCertified(row, `nothing is known from the second GPU: ${other.cause ?? other.status}`)
  })
}

type Judged = Pick<JudgedOn, 'rows' | 'slot'>

function isProvedOnGpu({ status, proved_on }: JudgedRow): boolean {
  return status === 'PASSED' && proved_on === 'gpu'
}

// Who is to blame, and what is wrong, is what the second GPU saw; that the first saw nothing is the cause.
function notReproduced(row: JudgedRow, other: JudgedRow): CertifiedRow {
  const seen = `right on one GPU (${row.environment.hardware}), and on a second one ${other.cause ?? other.status}`
  const checks = [...other.checks, finding(VERDICT, false, seen)]
  return { ...other, cause: 'NOT_REPRODUCED', checks, log: `${seen}: ${other.log}`.slice(0, MAX_LOG_CHARACTERS) }
}

const MAX_LOG_CHARACTERS = 8192

interface Passed {
  readonly row: JudgedRow
  readonly gpu: string
}

function confirmed(first: Passed, second: Passed): CertifiedRow {
  const { performance } = first.row
  const agreement = agreementOf(first.row, second.row)
  return {
    ...first.row,
    performance: agreement.isBelieved ? performance : null,
    certified_on: [onGpu(first), onGpu(second)],
    checks: [...first.row.checks, finding(VERDICT, true, null), finding(FIGURE, agreement.passed, agreement.detail)],
  }
}

interface Agreement {
  /** Null where there is nothing to compare. */
  readonly passed: boolean | null
  readonly detail: string | null
  /** Whether the figure stays. */
  readonly isBelieved: boolean
}

function agreementOf(first: JudgedRow, second: JudgedRow): Agreement {
  const [mine, other] = [first.performance, second.performance]
  if (mine === null && other === null) return { passed: null, detail: 'neither GPU has a figure', isBelieved: false }
  if (mine === null || other === null) {
    const which = mine === null ? 'the first' : 'the second'
    return { passed: null, detail: `${which} GPU has no figure, so there is none`, isBelieved: false }
  }
  if (first.environment.hardware !== second.environment.hardware) {
    return { passed: null, detail: `the second GPU is another one: ${second.environment.hardware}`, isBelieved: true }
  }
  const isAlike = apart(mine, other) <= Math.log(MOST_APART)
  const figures = `${described(mine)} on the first, ${described(other)} on the second`
  return { passed: isAlike, detail: isAlike ? null : figures, isBelieved: isAlike }
}

// Of the logarithms of both speedups, less the half width of the 95 % interval of their difference.
function apart(mine: Performance, other: Performance): number {
  const halfWidth = ({ speedup_ci_low, speedup_ci_high }: Performance): number =>
    Math.log(speedup_ci_high / speedup_ci_low) / 2
  return Math.abs(Math.log(mine.speedup / other.speedup)) - Math.hypot(halfWidth(mine), halfWidth(other))
}

function described({ speedup, speedup_ci_low, speedup_ci_high }: Performance): string {
  const [middle, low, high] = [speedup, speedup_ci_low, speedup_ci_high].map((value) => value.toFixed(3))
  return `a speedup of ${middle} (${low} to ${high})`
}

function onGpu({ row: { environment, performance }, gpu }: Passed): CertifiedOn {
  return {
    gpu,
    hardware: environment.hardware,
    latency_ms: performance?.latency_ms ?? null,
    reference_latency_ms: performance?.reference_latency_ms ?? null,
    speedup: performance?.speedup ?? null,
    speedup_ci_low: performance?.speedup_ci_low ?? null,
    speedup_ci_high: performance?.speedup_ci_high ?? null,
  }
}

function finding(check: string, passed: boolean | null, detail: string | null) {
  return { check, passed, detail }
}

function sumOf(first: Seconds, second: Seconds): Seconds {
  const added = Object.entries(second).map(([phase, seconds]) => [phase, (first[phase] ?? 0) + seconds] as const)
  return { ...first, ...Object.fromEntries(added) }
}
