import { describe, expect, it } from 'vitest'
import { preferencesOf } from '../../exports/preference-pairs.ts'
import type { Selection } from '../../exports/types.ts'
import type { GivenFacts } from '../../pipelines/core/records/candidate-facts.ts'
import { aCandidate, aTask } from '../records.ts'
import { aSelection } from './selections.ts'

const task = aTask()
const MARGINS = { speedup: 1.1, length: 1.5 }

function answer(id: string, given: GivenFacts = {}, fields: Partial<Selection> = {}): Promise<Selection> {
  const facts = { status: 'PASSED', hardware: 'GPU', proved_on: 'gpu', tokenizer: 't', ...given } as const
  return aSelection({ task, candidate: aCandidate(task, { id }), ...fields }, facts)
}

async function pairs(...answers: readonly Promise<Selection>[]) {
  const found = preferencesOf(await Promise.all(answers), MARGINS)
  return found.map(({ reason, chosen, rejected }) => `${chosen.candidate.id} over ${rejected.candidate.id}: ${reason}`)
}

const interval = (low: number, high: number) => ({ speedup_eager_ci_low: low, speedup_eager_ci_high: high })

describe('preferencesOf', () => {
  it('prefers what is right to what is wrong, and names what did not even compile', async () => {
    const wrong = (id: string, status: GivenFacts['status']) => answer(id, { status }, { isSelected: false })
    expect(await pairs(answer('a'), wrong('b', 'INCORRECT_NUMERICAL'), wrong('c', 'COMPILE_ERROR'))).toEqual([
      'a over b: correct_over_wrong',
      'a over c: compiles_over_not',
    ])
  })

  it('makes no pair of what nobody judged, could not run, or only the task is to blame for', async () => {
    const other = (id: string, status: GivenFacts['status']) => answer(id, { status }, { isSelected: false })
    expect(await pairs(answer('a'), other('b', 'NOT_RUN'), other('c', 'INVALID_REFERENCE'), other('d', null))).toEqual(
      [],
    )
  })

  it('calls faster only what is faster beyond the noise of both, on the same hardware', async () => {
    expect(await pairs(answer('a', interval(2.2, 2.4)), answer('b', interval(1.8, 2)))).toEqual(['a over b: faster'])
    expect(await pairs(answer('a', interval(2.1, 2.4)), answer('b', interval(1.8, 2)))).toEqual([])
    const elsewhere = answer('b', { ...interval(1, 1.1), hardware: 'another GPU' })
    expect(await pairs(answer('a', interval(2.2, 2.4)), elsewhere)).toEqual([])
    expect(await pairs(answer('a', interval(2.2, 2.4)), answer('b'))).toEqual([])
  })

  it('prefers the shorter reasoning where the intervals overlap and lengths count alike', async () => {
    const length = (reasoning_tokens: number, tokenizer = 't') => ({ ...interval(1, 1.2), reasoning_tokens, tokenizer })
    expect(await pairs(answer('a', length(100)), answer('b', length(150)))).toEqual(['a over b: shorter_at_same_speed'])
    expect(await pairs(answer('a', length(100)), answer('b', length(149)))).toEqual([])
    expect(await pairs(answer('a', length(100)), answer('b', length(900, 'other')))).toEqual([])
  })

  it('compares answers to one question only, and chooses what was selected', async () => {
    const cuda = answer(
      'b',
      { status: 'TIMEOUT' },
      { candidate: aCandidate(task, { id: 'b', language: 'cuda' }), isSelected: false },
    )
    expect(await pairs(answer('a'), cuda)).toEqual([])
    const refused = answer('a', interval(5, 6), { isSelected: false })
    expect(await pairs(refused, answer('b', interval(1, 1.1)))).toEqual([])
  })
})
