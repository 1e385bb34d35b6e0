import { describe, expect, it } from 'vitest'
import { passed } from '../../filters/passed.ts'
import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'
import { aCandidate, aTask, anEvaluation } from '../records.ts'
import { stated, subjectOf, askRecord } from './selecting.ts'

const task = aTask()
const candidate = aCandidate(task)

function decide(evaluations: readonly Partial<Evaluation>[], options: unknown = {}) {
  const subject = { task, candidate, evaluations: evaluations.map((fields) => anEvaluation(candidate, fields)) }
  return passed.decide(subjectOf(subject), passed.options.parse(options))
}

describe('the filter passed', () => {
  it.each(['gpu', 'cpu', 'interpreter'] as const)('keeps what passed everywhere and was proved on %s', (proved_on) => {
    expect(decide([{ proved_on }, { proved_on }])).toMatchObject({ keep: true, score: 1, threshold: 1, reason: null })
  })

  it('refuses what failed on one workload and names the failure', () => {
    expect(decide([{}, { status: 'TIMEOUT', stage: 'run', cause: 'TIME_LIMIT', workload_id: 'w2' }])).toEqual({
      keep: false,
      score: 0.5,
      threshold: 1,
      reason: 'timeout',
      detail: '1 of 2 workloads, such as w2: run TIME_LIMIT',
      parts: [],
    })
  })

  it('gives what could not be run its own reason', () => {
    expect(decide([{ status: 'NOT_RUN', proved_on: 'compiler' }])).toMatchObject({ keep: false, reason: 'not_run' })
  })

  it('names the failure where one workload failed and another could not be run', () => {
    expect(decide([{ status: 'NOT_RUN' }, { status: 'REWARD_HACK' }]).reason).toBe('reward_hack')
  })

  it('lets the other workloads decide where one judges nobody', () => {
    const powerless = { status: 'INVALID_REFERENCE', blame: 'task', cause: 'LOW_POWER' } as const
    expect(decide([powerless, {}])).toMatchObject({ keep: true, score: 1 })
    expect(decide([powerless, { status: 'TIMEOUT', blame: 'candidate' }])).toMatchObject({ keep: false, score: 0 })
    expect(decide([powerless, powerless])).toMatchObject({ keep: false, reason: 'invalid_reference' })
  })

  it('refuses what was never validated', () => {
    expect(decide([])).toMatchObject({ keep: false, score: null, reason: 'not_validated' })
  })

  it('believes what a file says of a candidate that another program judged', async () => {
    expect(await askRecord(passed, stated('a', { status: 'PASSED' }))).toMatchObject({ keep: true, score: 1 })
    expect((await askRecord(passed, stated('a', { status: 'TIMEOUT' }))).reason).toBe('timeout')
    const onCpu = stated('a', { status: 'PASSED', proved_on: 'cpu' })
    expect((await askRecord(passed, onCpu, { proved_on: ['gpu'] })).reason).toBe('insufficient_proof')
    expect((await askRecord(passed, stated('a'))).reason).toBe('not_validated')
  })

  it('refuses what a file claims, where the recipe wants what was run here', async () => {
    const claimed = stated('a', { status: 'PASSED', proved_on: 'gpu' })
    expect((await askRecord(passed, claimed, { claimed: 'refuse' })).reason).toBe('claimed_only')
    expect(decide([{ proved_on: 'gpu' }], { claimed: 'refuse' }).keep).toBe(true)
  })

  it('refuses a proof that the recipe does not accept', () => {
    const options = { proved_on: ['gpu'] }
    expect(decide([{ proved_on: 'gpu' }, { proved_on: 'interpreter' }], options).reason).toBe('insufficient_proof')
    expect(decide([{ proved_on: 'gpu' }], options).keep).toBe(true)
  })

  it('believes no PASSED that nothing proved', () => {
    expect(decide([{ proved_on: null }]).reason).toBe('insufficient_proof')
    expect(decide([{ proved_on: 'compiler' }]).reason).toBe('insufficient_proof')
  })
})
