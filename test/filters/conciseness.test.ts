import { describe, expect, it } from 'vitest'
import { conciseness } from '../../filters/conciseness.ts'
import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import { aCandidate, aReasoning, aTask } from '../records.ts'
import { askDataset } from './selecting.ts'

const task = aTask()

async function select(fields: readonly Partial<Candidate>[], options: unknown = {}) {
  const judged = fields.map((each, index) => {
    const of = each.task_id === undefined ? task : aTask({ id: each.task_id })
    return { task: of, candidate: aCandidate(of, { id: String(index), ...each }), evaluations: [] }
  })
  return askDataset(conciseness, judged, options)
}

const reasoned = (...tokens: readonly number[]) => tokens.map((count) => ({ reasoning: aReasoning(count) }))

describe('the filter conciseness', () => {
  it('refuses reasoning above the absolute limit and says by how much', async () => {
    const [short, long] = await select(reasoned(100, 101), { max_reasoning_tokens: 100 })
    expect(short).toMatchObject({ keep: true, score: 100, threshold: 100 })
    expect(long).toMatchObject({ keep: false, score: 101, threshold: 100, reason: 'reasoning_too_long' })
  })

  it('refuses reasoning that is long for its task', async () => {
    const kept = await select(reasoned(100, 200, 300, 450, 460), { max_ratio_to_median: 1.5 })
    expect(kept.map(({ keep }) => keep)).toEqual([true, true, true, true, false])
  })

  it('compares with the median of the same task and the same tokenizer only', async () => {
    const other = reasoned(10, 10, 10).map((each) => ({ ...each, task_id: 'other' }))
    const foreign = [10, 10].map((count) => ({ reasoning: aReasoning(count, { tokenizer: 'characters' }) }))
    const verdicts = await select([...reasoned(400), ...other, ...foreign], { max_ratio_to_median: 1.2 })
    expect(verdicts.map(({ keep }) => keep)).toEqual([true, true, true, true, true, true])
  })

  it('keeps candidates without reasoning, or refuses them as the recipe says', async () => {
    expect(await select([{}])).toMatchObject([
      { keep: true, score: null, threshold: 16_384, reason: null, detail: null },
    ])
    expect(await select([{}], { without_reasoning: 'refuse' })).toMatchObject([{ keep: false, reason: 'no_reasoning' }])
  })

  it('counts the code of all files against its own limit', async () => {
    const sources = [
      { path: 'a.py', content: 'one two three' },
      { path: 'b.py', content: 'four five six' },
    ]
    expect(await select([{ sources }], { max_code_tokens: 5 })).toMatchObject([{ score: 6, reason: 'code_too_long' }])
    expect(await select([{ sources }], { max_code_tokens: 6 })).toMatchObject([{ keep: true }])
  })

  it('keeps the shortest ones of a task, as many as the recipe says', async () => {
    const kept = await select([...reasoned(30, 10, 20), {}], { max_rank: 2 })
    expect(kept.map(({ keep, reason }) => [keep, reason])).toEqual([
      [false, 'others_are_shorter'],
      [true, null],
      [true, null],
      [true, null],
    ])
  })

  it('refuses reasoning that repeats itself, and code that is mostly comments', async () => {
    const stuck = aReasoning(9, { text: 'again\n'.repeat(10) })
    expect(await select([{ reasoning: stuck }], { max_repetition: 0.5 })).toMatchObject([
      { score: 0.9, reason: 'reasoning_repeats' },
    ])
    const sources = [{ path: 'a.py', content: `# ${'w'.repeat(90)}\nx = 1\n` }]
    expect(await select([{ sources }], { max_comment_share: 0.5 })).toMatchObject([
      { keep: false, reason: 'too_many_comments' },
    ])
    expect(await select([{ sources }], { max_code_lines: 1 })).toMatchObject([{ score: 2, reason: 'code_too_long' }])
  })

  it('sets no limit where the recipe says null', async () => {
    expect(await select(reasoned(1_000_000), { max_reasoning_tokens: null })).toMatchObject([
      { keep: true, threshold: null },
    ])
  })
})
