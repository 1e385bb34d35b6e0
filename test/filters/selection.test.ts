import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openSelection } from '../../filters/selection.ts'
import type { DatasetFilter, Filter, RecordFilter } from '../../filters/types.ts'
import { keep, refuse } from '../../filters/verdict.ts'
import { aCandidate, aTask } from '../records.ts'

const task = aTask()

function recordFilter(id: string, keeps: (code: string) => boolean): RecordFilter {
  return {
    id,
    version: 1,
    kind: 'record',
    summary: '',
    options: z.strictObject({}),
    decide: ({ candidate }) => (keeps(candidate.sources[0]?.content ?? '') ? keep() : refuse('unwanted', null)),
  }
}

/** Keeps the first `count` of what it is asked about, and notes what that was. */
function firstOnly(id: string, count: number, asked: string[][]): DatasetFilter {
  return {
    id,
    version: 1,
    kind: 'dataset',
    summary: '',
    options: z.strictObject({}),
    sign: ({ candidate }) => ({ code: candidate.sources[0]?.content ?? '' }),
    select(signatures) {
      asked.push(signatures.map(({ signature }) => String(signature['code'])))
      return new Map(
        signatures.map(({ candidateId }, index) => [candidateId, index < count ? keep() : refuse('late', null)]),
      )
    },
  }
}

async function runSelection(filters: readonly Filter[], codes: readonly string[]) {
  const selection = openSelection(filters.map((plugin) => ({ plugin, options: {} })))
  const refusals = new Map<string, string | null>()
  const codeOf = new Map<string, string>()
  for (const code of codes) {
    const candidate = aCandidate(task, { id: `id-${code}`, sources: [{ path: 'kernel.py', content: code }] })
    codeOf.set(candidate.id, code)
    const { outcome } = await selection.offer({ task, candidate, evaluations: [] })
    if (outcome !== null) refusals.set(code, outcome.refusal?.filter ?? null)
  }
  for (const { candidateId, refusal } of selection.finish().outcomes) {
    refusals.set(codeOf.get(candidateId) ?? '', refusal?.filter ?? null)
  }
  return Object.fromEntries([...refusals].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

describe('openSelection', () => {
  it('asks a filter over the dataset about what all filters before it kept, in order of id', async () => {
    const asked: string[][] = []
    const notB = recordFilter('not-b', (code) => code !== 'b')
    const outcome = await runSelection([notB, firstOnly('first', 2, asked)], ['d', 'c', 'b', 'a'])
    expect(asked).toEqual([['a', 'c', 'd']])
    expect(outcome).toEqual({ a: null, b: 'not-b@1', c: null, d: 'first@1' })
  })

  it('asks a filter over the dataset before a record filter that comes after it', async () => {
    const asked: string[][] = []
    const notA = recordFilter('not-a', (code) => code !== 'a')
    const outcome = await runSelection([firstOnly('first', 2, asked), notA], ['a', 'b', 'c'])
    expect(asked).toEqual([['a', 'b', 'c']])
    expect(outcome).toEqual({ a: 'not-a@1', b: null, c: 'first@1' })
  })

  it('asks a second filter over the dataset about what the first one kept', async () => {
    const asked: string[][] = []
    const outcome = await runSelection([firstOnly('two', 2, asked), firstOnly('one', 1, asked)], ['a', 'b', 'c'])
    expect(asked).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b'],
    ])
    expect(outcome).toEqual({ a: null, b: 'one@1', c: 'two@1' })
  })

  it('settles at once, and forgets, what no filter over the dataset will be asked about', async () => {
    const filters = [recordFilter('none', () => false), firstOnly('first', 1, [])]
    const selection = openSelection(filters.map((plugin) => ({ plugin, options: {} })))
    const { outcome } = await selection.offer({ task, candidate: aCandidate(task), evaluations: [] })
    expect(outcome?.refusal?.filter).toBe('none@1')
    expect(selection.finish()).toEqual({ decisions: [], outcomes: [] })
  })

  it('keeps everything where there is no filter', async () => {
    expect(await runSelection([], ['a'])).toEqual({ a: null })
  })

  it('refuses the one candidate that a filter breaks on', async () => {
    const breaks = recordFilter('breaks', (code) => {
      if (code === 'b') throw new RangeError('too deep')
      return true
    })
    expect(await runSelection([breaks], ['a', 'b'])).toEqual({ a: null, b: 'breaks@1' })
  })

  it('does not take silence of a filter for consent', async () => {
    const silent = { ...firstOnly('silent', 0, []), select: () => new Map() }
    await expect(runSelection([silent], ['a'])).rejects.toThrow('no verdict on id-a')
  })
})
