import { z } from 'zod'
import type { Column } from '../../pipelines/core/parquet.ts'
import type { TrajectoryTurn } from '../../pipelines/core/records/trajectory.ts'
import { messageColumn, plainColumn } from '../columns/message-column.ts'
import { continueKernel } from '../prompts/continue-kernel.ts'
import { thoughtOf, withThought } from '../prompts/thought.ts'
import { writeKernel } from '../prompts/write-kernel.ts'
import type { ConfigRow, DatasetConfig, Selection, TaskCandidates } from '../types.ts'

const Options = z.strictObject({
  last_turn: z
    .enum(['selected', 'passed', 'any'])
    .default('selected')
    .describe('What the last turn must be for a trajectory to count; earlier turns may fail'),
  max_turns: z.int().min(2).default(10).describe('Longer trajectories keep their last turns'),
})
type Options = z.infer<typeof Options>

const LIST = { nullable: false, statistics: false } as const

const COLUMNS: readonly Column[] = [
  messageColumn('messages', 'The question, then answers and what became of each, as TRL’s SFTTrainer reads it'),
  plainColumn('trajectory_id', 'string', 'The trajectory'),
  plainColumn('task_id', 'string', 'The task; the same in every config'),
  plainColumn('num_turns', 'int64', 'Answers in the conversation'),
  { name: 'candidate_ids', type: { list: 'string' }, ...LIST, description: 'The implementation of each answer' },
  {
    name: 'statuses',
    type: { list: 'string' },
    ...LIST,
    description: 'Verdict on each answer; null where nobody judged it',
  },
  {
    name: 'speedups',
    type: { list: 'double' },
    ...LIST,
    description: 'Speedup of each answer over eager mode; null where it was not timed',
  },
  {
    name: 'trace_scores',
    type: { list: 'double' },
    ...LIST,
    description:
      'Of the reasoning of each answer: 0 to 1, share of its claims that hold in the code; null where it makes none',
  },
  {
    name: 'changes',
    type: { list: 'string' },
    ...LIST,
    description: 'What each answer is for: `performance`, `correctness`, `refactor`, `other`; null for turns of models',
  },
  {
    name: 'commit_shas',
    type: { list: 'string' },
    ...LIST,
    description: 'Commit of each answer; null for turns of models',
  },
  plainColumn('origin', 'string', '`revision`: states in a file’s history; `generated`, `imported`: turns of a model'),
  plainColumn('generator', 'string', 'Model that wrote it; null for people’s code'),
  plainColumn('source', 'string', 'Id of the source or import in the recipe'),
  plainColumn('license', 'string', 'SPDX expression of the last answer; null where nothing says one'),
  plainColumn('final_speedup', 'double', 'Speedup of the last answer over eager mode; null where it was not timed'),
]

/** Conversations over several answers: revisions of a file, or turns of a model, with the validator's words between them. */
export const multiturn: DatasetConfig<Options> = {
  id: 'multiturn',
  version: 2,
  summary: 'Conversations of several answers with the verdict on each: how an implementation got right, and then fast',
  options: Options,
  columns: COLUMNS,
  async *rows(dataset, options) {
    for await (const each of dataset.tasks()) {
      for (const turns of each.trajectories) {
        const row = rowOf(each, turns, options)
        if (row !== null) yield row
      }
    }
  },
}

interface Turn {
  readonly turn: TrajectoryTurn
  readonly answer: Selection
}

function rowOf(
  { task, candidates }: TaskCandidates,
  turns: readonly TrajectoryTurn[],
  options: Options,
): ConfigRow | null {
  const byId = new Map(candidates.map((each) => [each.candidate.id, each]))
  const known = turns.flatMap((turn): Turn[] => {
    const answer = byId.get(turn.candidate_id)
    return answer?.isPublishable === true ? [{ turn, answer }] : []
  })
  const kept = known.slice(-options.max_turns)
  const last = kept.at(-1)
  if (last === undefined || kept.length < 2 || !isGood(last.answer, options)) return null
  const { candidate, facts } = last.answer
  const content = conversation(task, kept)
  if ('reason' in content) return { candidate, ...content }
  const row = {
    messages: content.messages,
    trajectory_id: last.turn.trajectory_id,
    task_id: task.id,
    num_turns: kept.length,
    candidate_ids: kept.map(({ answer }) => answer.candidate.id),
    statuses: kept.map(({ answer }) => answer.facts.status),
    speedups: kept.map(({ answer }) => answer.facts.speedup_eager),
    trace_scores: kept.map(({ turn, answer }) => turn.trace_score ?? answer.facts.trace_score),
    changes: kept.map(({ turn }) => turn.change),
    commit_shas: kept.map(({ turn }) => turn.commit_sha),
    origin: candidate.origin,
    generator: candidate.generator,
    source: candidate.source,
    license: candidate.license,
    final_speedup: facts.speedup_eager,
  }
  return { taskId: task.id, row }
}

function isGood({ isSelected, facts }: Selection, { last_turn }: Options): boolean {
  if (last_turn === 'selected') return isSelected
  return last_turn === 'any' || facts.status === 'PASSED'
}

function conversation(task: TaskCandidates['task'], turns: readonly Turn[]) {
  const messages: { role: string; content: string }[] = []
  for (const [index, { turn, answer }] of turns.entries()) {
    const before = turns[index - 1]
    const question =
      before === undefined
        ? writeKernel.renderQuestion(task, answer.candidate)
        : (turn.feedback ?? continueKernel.renderFeedback(before.answer))
    const thought = thoughtOf(turn.reasoning?.text ?? null)
    if ('reason' in thought) return thought
    messages.push({ role: 'user', content: question })
    messages.push({ role: 'assistant', content: withThought(thought.text, writeKernel.renderAnswer(answer.candidate)) })
  }
  return { messages }
}
