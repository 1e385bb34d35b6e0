import { describe, expect, it } from 'vitest'
import { taskScore } from '../../filters/task-score.ts'
import { aTask } from '../records.ts'
import { askDataset, stated } from './selecting.ts'

function sample(task: string, name: string, tokens: number | null, speedup: number | null) {
  const interval =
    speedup === null ? {} : { speedup_eager_ci_low: speedup * 0.95, speedup_eager_ci_high: speedup * 1.05 }
  const facts = { reasoning_tokens: tokens, tokenizer: 'o200k_base', ...interval }
  return stated(`${task}-${name}`, facts, {}, aTask({ id: task }))
}

async function fates(samples: readonly ReturnType<typeof sample>[], options: unknown = {}) {
  const decisions = await askDataset(taskScore, samples, options)
  return Object.fromEntries(decisions.map(({ candidate_id, keep, reason }) => [candidate_id, keep ? 'kept' : reason]))
}

describe('the filter task-score', () => {
  it('keeps both of a short one and a faster one, where ConCuR’s rule keeps neither', async () => {
    expect(await fates([sample('a', 'short', 100, 1.5), sample('a', 'fast', 110, 2)])).toEqual({
      'a-short': 'kept',
      'a-fast': 'kept',
    })
  })

  it('refuses what another one of its task beats at both, beyond noise', async () => {
    expect(await fates([sample('a', 'best', 100, 2), sample('a', 'worse', 200, 1.5)])).toEqual({
      'a-best': 'kept',
      'a-worse': 'dominated',
    })
    expect(await fates([sample('a', 'best', 100, 2), sample('a', 'noise', 200, 1.95)])).toEqual({
      'a-best': 'kept',
      'a-noise': 'kept',
    })
    expect(await fates([sample('a', 'x', 100, 2), sample('b', 'y', 200, 1)])).toEqual({ 'a-x': 'kept', 'b-y': 'kept' })
  })

  it('keeps so many of a task, by speed and conciseness as the recipe weighs them', async () => {
    const samples = [sample('a', 'short', 100, 1), sample('a', 'fast', 10_000, 3)]
    expect(await fates(samples, { per_task: 1, conciseness_weight: 1 })).toEqual({
      'a-short': 'kept',
      'a-fast': 'others_score_higher',
    })
    expect(await fates(samples, { per_task: 1, conciseness_weight: 0 })).toEqual({
      'a-short': 'others_score_higher',
      'a-fast': 'kept',
    })
  })

  it('keeps what is surely very fast, and nothing that was never timed', async () => {
    expect(await fates([sample('a', 'x', 10, 20), sample('a', 'y', 20, 6), sample('a', 'z', 5, null)])).toEqual({
      'a-x': 'kept',
      'a-y': 'kept',
      'a-z': 'untimed',
    })
    expect(await fates([sample('a', 'x', 10, 20), sample('a', 'y', 20, 5.1)])).toEqual({
      'a-x': 'kept',
      'a-y': 'dominated',
    })
  })
})
