import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { DatasetFilter, Filter, RecordFilter } from '../../filters/types.ts'
import { keep, refuse } from '../../filters/verdict.ts'
import { selectAll, stated } from './selecting.ts'

function recordFilter(id: string, keeps: (name: string) => boolean): RecordFilter {
  return {
    id,
    version: 1,
    kind: 'record',
    summary: '',
    options: z.strictObject({}),
    decide: ({ candidate }) => (keeps(candidate.id) ? keep() : refuse('unwanted', null)),
  }
}

/** Keeps the first ones by id, and says in their score how many it was asked about. */
function firstOnly(id: string, count: number): DatasetFilter {
  return {
    id,
    version: 1,
    kind: 'dataset',
    summary: '',
    options: z.strictObject({}),
    select: (candidates) => `SELECT candidate_id, row_number() OVER (ORDER BY candidate_id) <= ${count} AS keep,
      count(*) OVER () AS score, 'late' AS reason FROM ${candidates}`,
  }
}

async function outcomesOf(filters: readonly Filter[], names: readonly string[]) {
  const selected = await selectAll(
    filters.map((plugin) => ({ plugin, options: {} })),
    names.map((name) => stated(name)),
  )
  const asked = (filter: string) => selected.decisions.filter((row) => row.filter === filter).map((row) => row.score)
  const fates = selected.outcomes.map(({ candidateId, refusal }) => [candidateId, refusal?.filter ?? null])
  return { fates: Object.fromEntries(fates), asked }
}

describe('openSelection', () => {
  it('asks a filter over the dataset about what all filters before it kept', async () => {
    const notB = recordFilter('not-b', (name) => name !== 'b')
    const { fates, asked } = await outcomesOf([notB, firstOnly('first', 2)], ['d', 'c', 'b', 'a'])
    expect(asked('first@1')).toEqual([3, 3, 3])
    expect(fates).toEqual({ a: null, b: 'not-b@1', c: null, d: 'first@1' })
  })

  it('asks a filter over the dataset before a record filter that comes after it', async () => {
    const notA = recordFilter('not-a', (name) => name !== 'a')
    const { fates, asked } = await outcomesOf([firstOnly('first', 2), notA], ['a', 'b', 'c'])
    expect(asked('first@1')).toEqual([3, 3, 3])
    expect(fates).toEqual({ a: 'not-a@1', b: null, c: 'first@1' })
  })

  it('asks a second filter over the dataset about what the first one kept', async () => {
    const { fates, asked } = await outcomesOf([firstOnly('two', 2), firstOnly('one', 1)], ['a', 'b', 'c'])
    expect(asked('one@1')).toEqual([2, 2])
    expect(fates).toEqual({ a: null, b: 'one@1', c: 'two@1' })
  })

  it('keeps everything where there is no filter, and nothing where there is nothing', async () => {
    expect((await outcomesOf([], ['a'])).fates).toEqual({ a: null })
    expect((await outcomesOf([firstOnly('first', 1)], [])).fates).toEqual({})
  })

  it('refuses the one candidate that a filter breaks on', async () => {
    const breaks = recordFilter('breaks', (name) => {
      if (name === 'b') throw new RangeError('too deep')
      return true
    })
    expect((await outcomesOf([breaks], ['a', 'b'])).fates).toEqual({ a: null, b: 'breaks@1' })
  })

  it('takes neither silence of a filter for consent nor two answers', async () => {
    const silent = {
      ...firstOnly('silent', 0),
      select: (from: string) => `SELECT candidate_id, true AS keep FROM ${from} WHERE candidate_id <> 'b'`,
    }
    await expect(outcomesOf([silent], ['a', 'b'])).rejects.toThrow('silent gave no verdict on b')
    const double = {
      ...silent,
      id: 'double',
      select: (from: string) => `SELECT candidate_id, unnest([true, false]) AS keep FROM ${from}`,
    }
    await expect(outcomesOf([double], ['a'])).rejects.toThrow('double gave no verdict on a')
  })

  it('says of every candidate which parts of rules hold, kept or not', async () => {
    const parts = {
      ...firstOnly('rule', 1),
      select: (from: string) => `SELECT candidate_id, candidate_id = 'a' AS keep, ['one', 'two'] AS parts FROM ${from}`,
    }
    const { outcomes, decisions } = await selectAll([{ plugin: parts, options: {} }], [stated('a'), stated('b')])
    expect(outcomes.map(({ parts: names }) => names)).toEqual([['rule@1:one', 'rule@1:two'], []])
    expect(decisions.map((row) => row.parts)).toEqual([
      ['one', 'two'],
      ['one', 'two'],
    ])
  })
})
