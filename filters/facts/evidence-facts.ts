import { judgedWorkloads } from '../../pipelines/core/judged-workloads.ts'
import { weakestProof } from '../../pipelines/core/proof.ts'
import type { Evaluation, Performance } from '../../pipelines/core/records/evaluation.ts'
import { geometricMean } from '../../pipelines/core/speedup.ts'
import type { Judged } from '../types.ts'

/** What the validator found, over all workloads that can judge. */
export function evidenceFacts({ evaluations }: Judged) {
  const judged = judgedWorkloads(evaluations)
  const deciding = judged.length === 0 ? evaluations : judged
  const checks = evaluations.flatMap((evaluation) => evaluation.checks)
  const failed = checks.filter(({ passed }) => passed === false)
  const isJudged = evaluations.length > 0
  return {
    status: deciding.length === 0 ? null : worstStatus(deciding),
    passed_share: deciding.length === 0 ? null : passedShare(deciding),
    num_workloads: isJudged ? judged.length : null,
    proved_on: isJudged ? weakestProof(evaluations) : null,
    hardware: evaluations[0]?.environment.hardware ?? null,
    validator: evaluations[0]?.validator ?? null,
    contracts_passed: isJudged ? checks.filter(({ passed }) => passed === true).length : null,
    contracts_failed: isJudged ? failed.length : null,
    failed_contracts: isJudged ? [...new Set(failed.map(({ check }) => check))].toSorted().join(',') : null,
    ...speedupFacts(evaluations),
    latency_ms: geometricMean(judged.map(({ performance }) => performance?.latency_ms)),
    roofline_share: null,
    own_kernel_share: least(evaluations.map(({ work }) => work?.own_kernel_share)),
    library_share: most(evaluations.map(({ work }) => work?.library_share)),
  }
}

// Of several workloads the one that speaks against it.
function least(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? null : Math.min(...known)
}

function most(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? null : Math.max(...known)
}

function passedShare(evaluations: readonly Evaluation[]): number {
  return evaluations.filter(({ status }) => status === 'PASSED').length / evaluations.length
}

// A failure says more than a workload that could not be run here.
function worstStatus(evaluations: readonly Evaluation[]): Evaluation['status'] {
  const failures = evaluations.map(({ status }) => status).filter((status) => status !== 'PASSED')
  return failures.find((status) => status !== 'NOT_RUN') ?? failures[0] ?? 'PASSED'
}

function speedupFacts(evaluations: readonly Evaluation[]) {
  const eager = figuresOf(evaluations, (performance) => performance)
  const compile = figuresOf(evaluations, compiledBaseline)
  const best = figuresOf(evaluations, fastestBaseline)
  return {
    speedup_eager: eager.middle,
    speedup_eager_ci_low: eager.low,
    speedup_eager_ci_high: eager.high,
    speedup_compile: compile.middle,
    speedup_compile_ci_low: compile.low,
    speedup_compile_ci_high: compile.high,
    speedup_best: best.middle,
    speedup_best_ci_low: best.low,
    speedup_best_ci_high: best.high,
  }
}

interface Ratio {
  readonly speedup: number | null
  readonly speedup_ci_low: number | null
  readonly speedup_ci_high: number | null
}

function figuresOf(evaluations: readonly Evaluation[], over: (performance: Performance) => Ratio | undefined) {
  const ratios = judgedWorkloads(evaluations).map(({ status, performance }) =>
    status === 'PASSED' && performance !== null ? over(performance) : undefined,
  )
  return {
    middle: geometricMean(ratios.map((ratio) => ratio?.speedup)),
    low: geometricMean(ratios.map((ratio) => ratio?.speedup_ci_low)),
    high: geometricMean(ratios.map((ratio) => ratio?.speedup_ci_high)),
  }
}

function compiledBaseline({ baselines }: Performance): Ratio | undefined {
  return baselines?.find(({ baseline }) => baseline === 'compile')
}

// Over the fastest baseline the speedup is the smallest; without another one that is eager mode.
function fastestBaseline(performance: Performance): Ratio {
  const known = (performance.baselines ?? []).filter(({ speedup }) => speedup !== null)
  return known.reduce<Ratio>(
    (best, ratio) => ((ratio.speedup ?? Infinity) < (best.speedup ?? Infinity) ? ratio : best),
    performance,
  )
}
