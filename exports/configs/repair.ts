import { z } from 'zod'
import type { Column } from '../../pipelines/core/parquet.ts'
import { messageColumn, plainColumn } from '../columns/message-column.ts'
import { continueKernel } from '../prompts/continue-kernel.ts'
import { thoughtOf, withThought } from '../prompts/thought.ts'
import { writeKernel } from '../prompts/write-kernel.ts'
import type { ConfigRow, DatasetConfig, Selection, TaskCandidates } from '../types.ts'

const Options = z.strictObject({
  pairs: z
    .array(z.enum(['trajectory', 'near_duplicate']))
    .min(1)
    .default(['trajectory', 'near_duplicate'])
    .describe(
      '`trajectory`: a turn that failed and the next one that passed; `near_duplicate`: two codes of a task of one cluster',
    ),
})
type Options = z.infer<typeof Options>

const COLUMNS: readonly Column[] = [
  messageColumn('prompt', 'The question, the answer that failed, and what the validator said of it'),
  messageColumn('completion', 'The answer that passed: reasoning, where there is one, and code'),
  plainColumn('task_id', 'string', 'The task; the same in every config'),
  plainColumn('failed_candidate_id', 'string', 'The implementation that failed'),
  plainColumn('candidate_id', 'string', 'The implementation that passed'),
  plainColumn('pair', 'string', '`trajectory` or `near_duplicate`: how the two belong together'),
  plainColumn('status', 'string', 'How the first one failed'),
  plainColumn('stage', 'string', 'Where it failed: `build`, `run`, `compare`; null where another program judged'),
  plainColumn('cause', 'string', 'Finer cause; null where another program judged'),
  { ...plainColumn('log', 'string', 'First error text; null where there is none'), statistics: false },
  plainColumn('language', 'string', 'Kernel language'),
  plainColumn('generator', 'string', 'Model that wrote the second one; null for people’s code'),
  plainColumn('license', 'string', 'SPDX expression of the second one; null where nothing says one'),
]

/** What failed, why, and what was made of it: both ends were executed. */
export const repair: DatasetConfig<Options> = {
  id: 'repair',
  version: 1,
  summary: 'Repairs: code that failed with the validator’s words, and the code that then passed',
  options: Options,
  columns: COLUMNS,
  async *rows(dataset, { pairs }) {
    for await (const each of dataset.tasks()) {
      const found = [
        ...(pairs.includes('trajectory') ? ofTrajectories(each) : []),
        ...(pairs.includes('near_duplicate') ? ofClusters(each) : []),
      ]
      const seen = new Set<string>()
      for (const pair of found) {
        const key = `${pair.failed.candidate.id} ${pair.fixed.candidate.id}`
        if (seen.has(key)) continue
        seen.add(key)
        yield rowOf(each.task, pair)
      }
    }
  },
}

interface Repair {
  readonly kind: string
  readonly failed: Selection
  readonly fixed: Selection
  readonly reasoning: string | null
}

function ofTrajectories({ candidates, trajectories }: TaskCandidates): Repair[] {
  const byId = new Map(candidates.filter(({ isPublishable }) => isPublishable).map((each) => [each.candidate.id, each]))
  return trajectories.flatMap((turns) =>
    turns.flatMap((turn, index): Repair[] => {
      const failed = byId.get(turns[index - 1]?.candidate_id ?? '')
      const fixed = byId.get(turn.candidate_id)
      if (failed === undefined || fixed === undefined || !hasFailed(failed) || !fixed.isSelected) return []
      return [{ kind: 'trajectory', failed, fixed, reasoning: turn.reasoning?.text ?? null }]
    }),
  )
}

// Nearly the same code, one right and one wrong: the difference is the repair. The first one of the cluster that passed stands for all.
function ofClusters({ candidates }: TaskCandidates): Repair[] {
  const fixedOf = new Map<string, Selection>()
  for (const each of candidates) {
    const cluster = each.facts.near_cluster
    if (cluster !== null && each.isSelected && !fixedOf.has(cluster)) fixedOf.set(cluster, each)
  }
  return candidates.filter(hasFailed).flatMap((failed): Repair[] => {
    const fixed = fixedOf.get(failed.facts.near_cluster ?? '')
    if (fixed === undefined || fixed.candidate.language !== failed.candidate.language) return []
    return [{ kind: 'near_duplicate', failed, fixed, reasoning: null }]
  })
}

// Of what nobody ran, and of what the task is to blame for, there is nothing to repair.
function hasFailed({ facts, isPublishable }: Selection): boolean {
  return (
    isPublishable &&
    facts.status !== null &&
    !['PASSED', 'NOT_RUN', 'INVALID_REFERENCE', 'REWARD_HACK'].includes(facts.status)
  )
}

function rowOf(task: TaskCandidates['task'], { kind, failed, fixed, reasoning }: Repair): ConfigRow {
  const thought = thoughtOf(reasoning)
  if ('reason' in thought) return { candidate: fixed.candidate, ...thought }
  const failure = failed.evaluations.find(({ status }) => status !== 'PASSED')
  const row = {
    prompt: [
      { role: 'user', content: writeKernel.renderQuestion(task, fixed.candidate) },
      { role: 'assistant', content: writeKernel.renderAnswer(failed.candidate) },
      { role: 'user', content: continueKernel.renderFeedback(failed) },
    ],
    completion: [{ role: 'assistant', content: withThought(thought.text, writeKernel.renderAnswer(fixed.candidate)) }],
    task_id: task.id,
    failed_candidate_id: failed.candidate.id,
    candidate_id: fixed.candidate.id,
    pair: kind,
    status: failed.facts.status,
    stage: failure?.stage,
    cause: failure?.cause,
    log: failure === undefined || failure.log === '' ? null : failure.log,
    language: fixed.candidate.language,
    generator: fixed.candidate.generator,
    license: fixed.candidate.license,
  }
  return { taskId: task.id, row }
}
