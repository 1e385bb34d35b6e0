import { describe, expect, test } from 'vitest'
import { certified } from '../../validators/second-gpu.ts'
import type { JudgedOn } from '../../validators/second-gpu.ts'
import { aPerformance, aTask, aCandidate, anEnvironment, anEvaluation } from '../records.ts'

describe('what one GPU accepted and another one', () => {
  test('accepts as well has both figures, and keeps its own', async () => {
    const first = judged('GPU-a', { performance: precise(2) })
    const { rows, seconds, selfTimings } = await certified(first, onSecond({ performance: precise(2.06) }))
    expect(rows[0]?.performance?.speedup).toBe(2)
    expect(rows[0]?.certified_on?.map(({ gpu, speedup }) => [gpu, speedup])).toEqual([['GPU-a', 2], ['GPU-b', 2.06]]) // prettier-ignore
    expect(findings(rows)).toEqual([true, true])
    expect(seconds).toEqual({ timing: 2, wait: 1 })
    expect(selfTimings).toHaveLength(0)
  })

  test('refuses is refused as the second says, with the cause that it was not reproduced', async () => {
    const wrong = { status: 'INCORRECT_NUMERICAL', stage: 'compare', cause: 'WRONG_VALUE', blame: 'candidate', log: 'differs' } as const // prettier-ignore
    const { rows } = await certified(judged('GPU-a', { performance: precise(2) }), onSecond(wrong))
    expect(rows[0]).toMatchObject({ ...wrong, cause: 'NOT_REPRODUCED', performance: null, log: expect.stringMatching(/second one WRONG_VALUE: differs$/), checks: [{}, { check: 'second-gpu@1', passed: false }] }) // prettier-ignore
    expect(rows[0]?.certified_on).toBeUndefined()
  })

  test('cannot judge, since the task does not hold there, is the task’s fault', async () => {
    const weak = { status: 'INVALID_REFERENCE', stage: 'task', cause: 'LOW_POWER', blame: 'task' } as const
    const { rows } = await certified(judged('GPU-a', {}), onSecond(weak))
    expect(rows[0]).toMatchObject({ ...weak, cause: 'NOT_REPRODUCED' })
  })

  test.each([
    ['another figure', precise(2.2), false],
    ['none', null, null],
  ])('has %s for has no figure any more', async (_, performance, passed) => {
    const { rows } = await certified(judged('GPU-a', { performance: precise(2) }), onSecond({ performance }))
    expect(rows[0]).toMatchObject({ status: 'PASSED', performance: null })
    expect(rows[0]?.certified_on).toHaveLength(2)
    expect(findings(rows)).toEqual([true, passed])
  })

  test('has a wide interval for is as much in doubt as both are together', async () => {
    const { rows } = await certified(judged('GPU-a', { performance: aPerformance(2) }), onSecond({ performance: aPerformance(2.2) })) // prettier-ignore
    expect(findings(rows)).toEqual([true, true])
  })

  test('of another model times keeps its figure, which cannot be compared', async () => {
    const environment = { ...anEnvironment, hardware: 'another GPU' }
    const { rows } = await certified(judged('GPU-a', { performance: precise(2) }), onSecond({ environment, performance: precise(3) })) // prettier-ignore
    expect(rows[0]?.performance?.speedup).toBe(2)
    expect(findings(rows)).toEqual([true, null])
  })

  test('could not run has no finding', async () => {
    const { rows } = await certified(judged('GPU-a', {}), onSecond({ status: 'NOT_RUN', blame: null, proved_on: null }))
    expect([rows[0]?.status, ...findings(rows)]).toEqual(['PASSED', null, null])
  })
})

describe('no second GPU', () => {
  test.each([
    ['is there', judged('GPU-a', {}), null, 'one GPU judges here'],
    ['is left', judged('GPU-a', {}), () => Promise.resolve(null), 'taken out of use'],
    ['is asked where none was the first', judged('cpu', { proved_on: 'cpu' }), never, 'no GPU judged it'],
  ])('%s, so that nothing is found', async (_, first, again, reason) => {
    const { rows } = await certified(first, again)
    expect(findings(rows)).toEqual([null, null])
    expect(rows[0]?.checks.at(-1)?.detail).toContain(reason)
  })

  test('is asked about what was refused', async () => {
    const refused = judged('GPU-a', { status: 'TIMEOUT', blame: 'candidate' })
    expect((await certified(refused, never)).rows).toEqual(refused.rows)
  })
})

function judged(slot: string, fields: Parameters<typeof anEvaluation>[1]): JudgedOn {
  const { candidate_id: _, task_id: __, validator: ___, ...row } = anEvaluation(aCandidate(aTask()), { proved_on: 'gpu', ...fields }) // prettier-ignore
  return { slot, rows: [row], seconds: { timing: 1 }, selfTimings: [] }
}

function onSecond(fields: Parameters<typeof anEvaluation>[1]) {
  return () => Promise.resolve({ ...judged('GPU-b', fields), seconds: { timing: 1, wait: 1 } })
}

function never(): never {
  throw new TypeError('it was asked')
}

function precise(speedup: number) {
  return aPerformance(speedup, { speedup_ci_low: speedup * 0.995, speedup_ci_high: speedup * 1.005 })
}

function findings(rows: readonly JudgedOn['rows'][number][]) {
  const found = rows.flatMap(({ checks }) => checks)
  return ['second-gpu@1', 'second-gpu-timing@1'].map((name) => found.find(({ check }) => check === name)?.passed)
}
