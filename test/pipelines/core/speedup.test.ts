import { describe, expect, it } from 'vitest'
import { geomeanSpeedup, speedOutcome } from '../../../pipelines/core/speedup.ts'
import { aCandidate, aPerformance, aTask, anEvaluation } from '../../records.ts'

const candidate = aCandidate(aTask())
const timed = (ratio: number) => anEvaluation(candidate, { performance: aPerformance(ratio) })

describe('geomeanSpeedup', () => {
  it('is the geometric mean over workloads', () => {
    expect(geomeanSpeedup([timed(2), timed(8)], 'speedup')).toBeCloseTo(4)
    expect(geomeanSpeedup([timed(0.5), timed(2)], 'speedup')).toBeCloseTo(1)
  })

  it('leaves out a workload that judges nobody', () => {
    const powerless = anEvaluation(candidate, { status: 'INVALID_REFERENCE', blame: 'task', performance: null })
    expect(geomeanSpeedup([timed(2), powerless, timed(8)], 'speedup')).toBeCloseTo(4)
    expect(geomeanSpeedup([powerless], 'speedup')).toBeNull()
  })

  it('does not overflow over many workloads', () => {
    expect(geomeanSpeedup(Array<ReturnType<typeof timed>>(2000).fill(timed(1e3)), 'speedup')).toBeCloseTo(1e3)
  })

  it.each([
    ['there is no evaluation', []],
    ['one workload was not timed', [timed(2), anEvaluation(candidate)]],
    ['one workload did not pass', [timed(2), { ...timed(2), status: 'INCORRECT_NUMERICAL' as const }]],
    ['a figure is no ratio', [timed(0)]],
    ['a figure is negative', [timed(-2), timed(-2)]],
    ['a figure is not finite', [timed(Number.POSITIVE_INFINITY)]],
  ])('is null where %s', (_, evaluations) => {
    expect(geomeanSpeedup(evaluations, 'speedup')).toBeNull()
  })
})

it.each([
  ['faster', 1.01, 1.5],
  ['slower', 0.5, 0.99],
  ['indistinguishable', 0.9, 1.5],
  ['indistinguishable', 1, 1.2],
])('a speedup is %s where its interval goes from %d to %d', (outcome, low, high) => {
  expect(speedOutcome(low, high)).toBe(outcome)
})
