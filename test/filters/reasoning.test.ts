import { expect, it } from 'vitest'
import { reasoning } from '../../filters/reasoning.ts'
import type { Reasoning } from '../../pipelines/core/records/candidate.ts'
import { aCandidate, aReasoning, aTask } from '../records.ts'
import { subjectOf } from './selecting.ts'

const task = aTask()

it.each([
  ['keeps a trace that is long enough', aReasoning(50), { min_tokens: 50 }, null],
  ['refuses code without a trace', null, {}, 'no_reasoning'],
  ['refuses a trace of another kind', aReasoning(50, { kind: 'evidence' }), {}, 'other_kind'],
  ['keeps a kind that the recipe names', aReasoning(50, { kind: 'evidence' }), { kinds: ['evidence'] }, null],
  ['refuses a short trace', aReasoning(49), { min_tokens: 50 }, 'short_reasoning'],
] as const)('the filter reasoning %s', (_case, trace: Reasoning | null, options, reason) => {
  const candidate = aCandidate(task, { reasoning: trace })
  const verdict = reasoning.decide(subjectOf({ task, candidate, evaluations: [] }), reasoning.options.parse(options))
  expect(verdict).toMatchObject({ keep: reason === null, reason, score: trace?.num_tokens ?? null })
})
