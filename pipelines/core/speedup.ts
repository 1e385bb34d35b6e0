import { judgedWorkloads } from './judged-workloads.ts'
import type { Evaluation, Performance } from './records/evaluation.ts'

/** The figures of Performance that are ratios of reference to candidate. */
export type SpeedupFigure = Extract<keyof Performance, 'speedup' | 'speedup_ci_low' | 'speedup_ci_high'>

/**
 * Geometric mean of a speedup figure over all workloads; ratios average so (Fleming and Wallace, 1986). Null unless every
 * workload that judges passed and was timed: a mean over some of them would say more than was measured.
 */
export function geomeanSpeedup(evaluations: readonly Evaluation[], figure: SpeedupFigure): number | null {
  return geometricMean(
    judgedWorkloads(evaluations).map(({ status, performance }) =>
      status === 'PASSED' ? performance?.[figure] : undefined,
    ),
  )
}

/** What an interval of speedups says. */
export type SpeedOutcome = 'faster' | 'indistinguishable' | 'slower'

/** `faster` or `slower` where the whole 95 % interval lies on that side of 1; a median beyond it is not enough. */
export function speedOutcome(low: number, high: number): SpeedOutcome {
  if (low > 1) return 'faster'
  return high < 1 ? 'slower' : 'indistinguishable'
}

/** Geometric mean; null where there are no values, or one of them is absent or not above zero. */
export function geometricMean(values: readonly (number | null | undefined)[]): number | null {
  const [only] = values
  // Exactly the one value, and not what is left of it after a logarithm.
  if (values.length === 1 && only !== undefined && only !== null) return Number.isFinite(only) && only > 0 ? only : null
  if (values.length === 0) return null
  let logarithms = 0
  for (const value of values) {
    if (value === undefined || value === null || !Number.isFinite(value) || value <= 0) return null
    logarithms += Math.log(value)
  }
  return Math.exp(logarithms / values.length)
}
