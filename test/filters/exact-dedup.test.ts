import { describe, expect, it } from 'vitest'
import { exactDedup } from '../../filters/exact-dedup.ts'
import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'
import { aCandidate, aPerformance, aReasoning, aTask, anEvaluation } from '../records.ts'
import { askDataset } from './selecting.ts'

interface Entry {
  readonly id: string
  readonly code?: string
  readonly path?: string
  readonly taskId?: string
  readonly reasoning?: number
  readonly evaluation?: Partial<Evaluation> | null
  readonly language?: string
}

const task = aTask()
const CODE = 'def f(x):\n    return x + x\n'

async function survivors(entries: readonly Entry[]): Promise<string[]> {
  const judged = entries.map((entry) => {
    const of = entry.taskId === undefined ? task : aTask({ id: entry.taskId })
    const candidate: Candidate = aCandidate(of, {
      id: entry.id,
      language: entry.language ?? 'triton',
      sources: [{ path: entry.path ?? 'kernel.py', content: entry.code ?? CODE }],
      reasoning: entry.reasoning === undefined ? null : aReasoning(entry.reasoning),
    })
    return {
      task: of,
      candidate,
      evaluations: entry.evaluation === null ? [] : [anEvaluation(candidate, entry.evaluation)],
    }
  })
  const verdicts = await askDataset(exactDedup, judged)
  expect(verdicts).toHaveLength(entries.length)
  for (const { keep, detail } of verdicts) if (!keep) expect(detail).toMatch(/^duplicate of /)
  return verdicts.filter(({ keep }) => keep).map(({ candidate_id }) => candidate_id)
}

describe('the filter exact-dedup', () => {
  it('keeps one of two candidates whose code differs in comments and layout only', async () => {
    const commented = '# twice\ndef f( x ):\n\n  return x+x # sum\n'
    expect(await survivors([{ id: 'a' }, { id: 'b', code: commented, path: 'other.py' }])).toEqual(['a'])
  })

  it('keeps both where the code differs', async () => {
    expect(await survivors([{ id: 'a' }, { id: 'b', code: CODE.replace('+', '*') }])).toEqual(['a', 'b'])
  })

  it('keeps equal code that answers different tasks', async () => {
    expect(await survivors([{ id: 'a' }, { id: 'b', taskId: 'other' }])).toEqual(['a', 'b'])
  })

  it('reads a file by its name, not as the language of its kernels', async () => {
    const cuda = { language: 'cuda' }
    expect(
      await survivors([
        { id: 'a', ...cuda },
        { id: 'b', ...cuda, code: `# a comment // here\n${CODE}` },
      ]),
    ).toEqual(['a'])
  })

  it.each<[string, Entry, Entry]>([
    ['what passed over what did not', { id: 'a', evaluation: { status: 'TIMEOUT' } }, { id: 'b' }],
    ['what was validated over what was not', { id: 'a', evaluation: null }, { id: 'b' }],
    ['what was timed over what was not', { id: 'a' }, { id: 'b', evaluation: { performance: aPerformance(1) } }],
    [
      'the faster one',
      { id: 'a', evaluation: { performance: aPerformance(1) } },
      { id: 'b', evaluation: { performance: aPerformance(2) } },
    ],
    ['the one with a reasoning', { id: 'a' }, { id: 'b', reasoning: 100 }],
    ['the shorter reasoning', { id: 'a', reasoning: 200 }, { id: 'b', reasoning: 100 }],
    ['the shorter code', { id: 'a', code: `${CODE}# end\n` }, { id: 'b' }],
  ])('prefers %s', async (_, worse, better) => {
    expect(await survivors([worse, better])).toEqual([better.id])
    expect(await survivors([better, worse])).toEqual([better.id])
  })

  it('does not depend on the order of candidates', async () => {
    const entries = [{ id: 'c' }, { id: 'a' }, { id: 'b' }]
    expect(await survivors(entries)).toEqual(['a'])
    expect(await survivors(entries.toReversed())).toEqual(['a'])
  })
})
