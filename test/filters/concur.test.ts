import { describe, expect, it } from 'vitest'
import { concur } from '../../filters/concur.ts'
import type { GivenFacts } from '../../pipelines/core/records/candidate-facts.ts'
import { aTask } from '../records.ts'
import { askDataset, stated } from './selecting.ts'

/** A sample of a task with the length of its reasoning and its speedup. */
function sample(task: string, name: string, tokens: number | null, speedup: number | null, given: GivenFacts = {}) {
  const facts = {
    reasoning_tokens: tokens,
    tokenizer: 'o200k_base',
    speedup_eager: speedup,
    is_single_operator: false,
    ...given,
  }
  return stated(`${task}-${name}`, facts, {}, aTask({ id: task }))
}

async function partsOf(samples: readonly ReturnType<typeof sample>[], options: unknown = {}) {
  const decisions = await askDataset(concur, samples, options)
  return Object.fromEntries(
    decisions.map(({ candidate_id, keep, parts }) => [candidate_id, keep ? parts : `refused ${parts.join()}`]),
  )
}

describe('the filter concur', () => {
  it('takes a task’s sample where the shortest reasoning is also the fastest, and none where it is not', async () => {
    const both = [sample('a', 'short', 100, 2), sample('a', 'long', 200, 1.5)]
    const apart = [sample('b', 'short', 100, 1.5), sample('b', 'fast', 101, 2)]
    expect(await partsOf([...both, ...apart])).toEqual({
      'a-short': ['concise_and_fast'],
      'a-long': 'refused ',
      'b-short': 'refused ',
      'b-fast': 'refused ',
    })
  })

  it('compares lengths whose tokenizer nobody names, and not with those of another', async () => {
    const unnamed = { tokenizer: null }
    expect(await partsOf([sample('a', 'short', 100, 2, unnamed), sample('a', 'long', 200, 1.5, unnamed)])).toEqual({
      'a-short': ['concise_and_fast'],
      'a-long': 'refused ',
    })
    const mixed = [sample('a', 'short', 100, 2, unnamed), sample('a', 'long', 200, 1.5)]
    expect(await partsOf(mixed)).toEqual({ 'a-short': 'refused ', 'a-long': 'refused ' })
  })

  it('adds what is more than five times as fast, and not what is exactly five times as fast', async () => {
    expect(await partsOf([sample('a', 'five', 100, 5), sample('a', 'more', 200, 5.01)])).toEqual({
      'a-five': 'refused ',
      'a-more': ['high_speedup'],
    })
    expect(await partsOf([sample('a', 'x', 100, 6)])).toEqual({ 'a-x': ['concise_and_fast', 'high_speedup'] })
  })

  it('adds rows of tasks of one operator that no other part took, one of each task before a second', async () => {
    const single = { is_single_operator: true }
    const samples = ['a', 'b'].flatMap((task) => [
      sample(task, 'slow', 10, 1, single),
      sample(task, 'middle', 20, 1.5, single),
      sample(task, 'fast', 30, 2, single),
    ])
    const taken = async (count: number) => {
      const parts = await partsOf(samples, { single_operator: count })
      return Object.keys(parts).filter(
        (name) => parts[name]?.includes('single_operator') && !parts[name].includes('refused'),
      )
    }
    expect(await taken(2)).toEqual(['a-slow', 'b-slow'])
    expect(await taken(3)).toEqual(['a-slow', 'a-middle', 'b-slow'])
    expect(await taken(0)).toEqual([])
  })

  it('names every part that holds although the recipe takes one of them', async () => {
    const fast = sample('a', 'x', 100, 6)
    expect(await partsOf([fast], { parts: ['single_operator'] })).toEqual({
      'a-x': 'refused concise_and_fast,high_speedup',
    })
  })

  it('takes nothing that has no reasoning or no time, and compares no lengths of different tokenizers', async () => {
    expect(await partsOf([sample('a', 'x', null, 2), sample('a', 'y', 100, null)])).toEqual({
      'a-x': 'refused ',
      'a-y': 'refused ',
    })
    const mixed = [sample('b', 'x', 100, 2), sample('b', 'y', 200, 1, { tokenizer: 'another' })]
    expect(await partsOf(mixed)).toEqual({ 'b-x': 'refused ', 'b-y': 'refused ' })
  })
})
