import { z } from 'zod'
import type { Column } from '../../pipelines/core/parquet.ts'
import { messageColumn, plainColumn } from '../columns/message-column.ts'
import { PREFERENCE_REASONS, preferencesOf } from '../preference-pairs.ts'
import type { Preference } from '../preference-pairs.ts'
import { thoughtOf, withThought } from '../prompts/thought.ts'
import { writeKernel } from '../prompts/write-kernel.ts'
import type { ConfigRow, DatasetConfig, Selection, TaskCandidates } from '../types.ts'

const Options = z.strictObject({
  reasons: z
    .array(z.enum(PREFERENCE_REASONS))
    .min(1)
    .default([...PREFERENCE_REASONS])
    .describe('Kinds of pairs to make'),
  min_speedup_ratio: z
    .number()
    .min(1)
    .default(1.1)
    .describe(
      '`faster`: lower end of the chosen one’s interval over the upper end of the other’s; 1 is just outside of noise',
    ),
  min_length_ratio: z
    .number()
    .gt(1)
    .default(1.5)
    .describe('`shorter_at_same_speed`: length of the rejected reasoning over the chosen one’s'),
  max_pairs: z.int().positive().default(4).describe('Pairs of a task for each reason, largest margin first'),
})
type Options = z.infer<typeof Options>

const COLUMNS: readonly Column[] = [
  messageColumn('prompt', 'The question, as TRL’s DPOTrainer reads it'),
  messageColumn('chosen', 'The better answer'),
  messageColumn('rejected', 'The other answer'),
  plainColumn('task_id', 'string', 'The task; the same in every config'),
  plainColumn(
    'reason',
    'string',
    'Why it is better: `correct_over_wrong`, `compiles_over_not`, `faster`, or `shorter_at_same_speed`, the intervals of whose speedups overlap',
  ),
  plainColumn(
    'margin',
    'double',
    'How much: ratio of the near ends of the intervals, or of the lengths; null where one is wrong',
  ),
  plainColumn('chosen_candidate_id', 'string', 'The implementation of the better answer'),
  plainColumn('rejected_candidate_id', 'string', 'The implementation of the other answer'),
  plainColumn('rejected_status', 'string', 'Verdict on the other answer'),
  plainColumn('chosen_speedup', 'double', 'Over eager mode; null where it was not timed'),
  plainColumn('rejected_speedup', 'double', 'Over eager mode; null where it was not timed'),
  plainColumn('chosen_tokens', 'int64', 'Length of the reasoning; null where there is none'),
  plainColumn('rejected_tokens', 'int64', 'Length of the reasoning; null where there is none'),
  plainColumn('hardware', 'string', 'GPU or processor that both were judged on; null where nobody said'),
  plainColumn('language', 'string', 'Kernel language of both'),
]

/** Two answers to one question with the reason why one is better, both judged. */
export const preference: DatasetConfig<Options> = {
  id: 'preference',
  version: 1,
  summary: 'Preferences: two judged answers to one question, with the reason and the margin above noise',
  options: Options,
  columns: COLUMNS,
  async *rows(dataset, options) {
    const margins = { speedup: options.min_speedup_ratio, length: options.min_length_ratio }
    for await (const { task, candidates } of dataset.tasks()) {
      const pairs = preferencesOf(
        candidates.filter(({ isPublishable }) => isPublishable),
        margins,
      )
      for (const reason of options.reasons) {
        const own = pairs.filter((pair) => pair.reason === reason).toSorted(largestMarginFirst)
        for (const pair of own.slice(0, options.max_pairs)) yield rowOf(task, pair)
      }
    }
  },
}

function largestMarginFirst(a: Preference, b: Preference): number {
  return (
    (b.margin ?? 0) - (a.margin ?? 0) ||
    order(a.chosen.candidate.id, b.chosen.candidate.id) ||
    order(a.rejected.candidate.id, b.rejected.candidate.id)
  )
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function rowOf(task: TaskCandidates['task'], { reason, margin, chosen, rejected }: Preference): ConfigRow {
  const [better, worse] = [answerOf(chosen), answerOf(rejected)]
  for (const answer of [better, worse]) if ('reason' in answer) return { candidate: chosen.candidate, ...answer }
  const row = {
    prompt: [{ role: 'user', content: writeKernel.renderQuestion(task, chosen.candidate) }],
    chosen: messagesOf(better),
    rejected: messagesOf(worse),
    task_id: task.id,
    reason,
    margin,
    chosen_candidate_id: chosen.candidate.id,
    rejected_candidate_id: rejected.candidate.id,
    rejected_status: rejected.facts.status,
    chosen_speedup: chosen.facts.speedup_eager,
    rejected_speedup: rejected.facts.speedup_eager,
    chosen_tokens: chosen.facts.reasoning_tokens,
    rejected_tokens: rejected.facts.reasoning_tokens,
    hardware: chosen.facts.hardware,
    language: chosen.candidate.language,
  }
  return { taskId: task.id, row }
}

function answerOf({ candidate }: Selection): { text: string } | { reason: string; detail: string } {
  const thought = thoughtOf(candidate.reasoning?.text ?? null)
  return 'reason' in thought ? thought : { text: withThought(thought.text, writeKernel.renderAnswer(candidate)) }
}

function messagesOf(answer: { text: string } | { reason: string }) {
  return [{ role: 'assistant', content: 'text' in answer ? answer.text : '' }]
}
