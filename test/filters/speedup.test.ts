import { describe, expect, it } from 'vitest'
import { speedup } from '../../filters/speedup.ts'
import { Performance } from '../../pipelines/core/records/evaluation.ts'
import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'
import { aCandidate, aPerformance, aTask, anEvaluation } from '../records.ts'
import { askRecord, stated, subjectOf } from './selecting.ts'

const task = aTask()
const candidate = aCandidate(task)

function decide(ratios: readonly (number | null)[], options: unknown = {}) {
  const evaluations = ratios.map((ratio) =>
    anEvaluation(candidate, { performance: ratio === null ? null : aPerformance(ratio) }),
  )
  return speedup.decide(subjectOf({ task, candidate, evaluations }), speedup.options.parse(options))
}

describe('the filter speedup', () => {
  it('compares the geometric mean of the lower ends of the intervals', () => {
    const verdict = decide([1, 4], { min: 1.7 })
    expect(verdict.score).toBeCloseTo(1.8)
    expect(verdict).toMatchObject({ keep: true, threshold: 1.7 })
    expect(decide([1, 4], { min: 1.9 })).toMatchObject({ keep: false, reason: 'below_min_speedup', threshold: 1.9 })
  })

  it('can compare the ratio of the medians instead', () => {
    expect(decide([1, 4], { min: 1.9, figure: 'speedup' }).score).toBeCloseTo(2)
    expect(decide([1, 4], { min: 1.9, figure: 'speedup' }).keep).toBe(true)
  })

  it('keeps what is exactly as fast as asked', () => {
    expect(decide([2], { min: 2, figure: 'speedup' }).keep).toBe(true)
  })

  it('keeps what could not be timed without inventing a score, or refuses it as the recipe says', () => {
    expect(decide([null])).toEqual({ keep: true, score: null, threshold: 1, reason: null, detail: null, parts: [] })
    expect(decide([null], { untimed: 'refuse' })).toMatchObject({ keep: false, score: null, reason: 'untimed' })
  })

  it('compares with the baseline that the recipe names', async () => {
    const file = stated('a', { speedup_eager_ci_low: 3, speedup_compile_ci_low: 0.9, speedup_best_ci_low: 0.9 })
    expect((await askRecord(speedup, file)).score).toBe(3)
    expect(await askRecord(speedup, file, { over: 'compile' })).toMatchObject({ keep: false, score: 0.9 })
    expect(await askRecord(speedup, file, { over: 'best', min: 0.8 })).toMatchObject({ keep: true, score: 0.9 })
    expect(await askRecord(speedup, stated('b'), { over: 'best', untimed: 'refuse' })).toMatchObject({
      reason: 'untimed',
    })
  })

  it('takes figures over baselines from what the validator timed, the fastest of each workload as the best', () => {
    const baseline = (name: string, speedup: number | null) => ({
      baseline: name,
      latency_ms: speedup,
      speedup,
      speedup_ci_low: speedup === null ? null : speedup / 2,
      speedup_ci_high: speedup === null ? null : speedup * 2,
      reason: speedup === null ? 'it does not compile' : null,
    })
    const compiled = (speedup: number) => baseline('compile', speedup)
    const failed = baseline('max_autotune', null)
    const over = (baselines: readonly unknown[]) =>
      anEvaluation(candidate, { performance: Performance.parse({ ...aPerformance(4), baselines }) })
    const asked = (evaluations: readonly Evaluation[], over: 'compile' | 'best', figure = 'speedup') =>
      speedup.decide(subjectOf({ task, candidate, evaluations }), speedup.options.parse({ over, figure })).score
    const rows = [over([compiled(1), failed]), over([compiled(9), failed])]
    expect(asked(rows, 'compile')).toBeCloseTo(3)
    expect(asked(rows, 'compile', 'speedup_ci_low')).toBeCloseTo(1.5)
    expect(asked(rows, 'best')).toBeCloseTo(2)
    expect(asked([over([compiled(1)]), over([])], 'compile')).toBeNull()
    expect(asked([over([failed])], 'best')).toBeCloseTo(4)
  })

  it('takes a candidate that was timed on some workloads only as untimed', () => {
    expect(decide([10, null], { min: 5, untimed: 'refuse' }).reason).toBe('untimed')
  })
})
