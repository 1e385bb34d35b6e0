import { judgedWorkloads } from './judged-workloads.ts'
import type { Evaluation, Performance } from './records/evaluation.ts'

/** The figures of Performance that are ratios of reference to candidate. */
export type SpeedupFigure = Extract<keyof Performance, 'speedup' | 'speedup_ci_low' | 'speedup_ci_high'>

/**
 * Geometric mean of a speedup figure over all workloads; ratios average so (Fleming and Wallace, 1986). Null unless every
 * workload that judges passed and was timed: a mean over some of them would say more than was measured.
 */
export function geomeanSpeedup(evaluations: readonly Evaluation[], figure: SpeedupFigure): number | null {
  const judged = judgedWorkloads(evaluations)
  if (judged.length === 0) return null
  let logarithms = 0
  for (const { status, performance } of judged) {
    const ratio = status === 'PASSED' ? performance?.[figure] : undefined
    if (ratio === undefined || !Number.isFinite(ratio) || ratio <= 0) return null
    logarithms += Math.log(ratio)
  }
  return Math.exp(logarithms / judged.length)
}
