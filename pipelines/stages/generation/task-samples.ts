import type { ChatMessage } from '../../../extractors/models/types.ts'
import type { Task } from '../../core/records/task.ts'
import { outcomeOf } from './candidate-judge.ts'
import { converse } from './conversation.ts'
import type { ConversationSetting, Turn } from './conversation.ts'
import type { ModelEntry } from './model-entry.ts'

/**
 * The conversations about one task, by number of sample. All of the first round are begun at once; where hard tasks get more, rounds
 * follow until there are enough right answers or as many as the first round's failures allow.
 */
export async function sampleTask(
  task: Task,
  first: readonly ChatMessage[],
  setting: ConversationSetting,
): Promise<Turn[][]> {
  const { entry } = setting
  const conversations: Turn[][] = []
  let wanted = entry.samples
  while (conversations.length < wanted) {
    const from = conversations.length
    const count = Math.min(entry.samples, wanted - from)
    const round = Array.from({ length: count }, (_, index) => converse(task, from + index, first, setting))
    conversations.push(...(await allOf(round)))
    if (from === 0) wanted = samplesFor(conversations, entry)
    const isUnaffordable = conversations.at(-1)?.at(-1)?.answered.kind === 'not_asked'
    if (isUnaffordable || successesOf(conversations) >= (entry.enough ?? Infinity)) break
  }
  return conversations
}

/** Samples for a task, from the share of its first ones that failed: all of `max_samples` where none was right. */
export function samplesFor(
  conversations: readonly Turn[][],
  { samples, max_samples }: Pick<ModelEntry, 'samples' | 'max_samples'>,
): number {
  const failed = 1 - successesOf(conversations) / conversations.length
  return samples + Math.ceil(failed * ((max_samples ?? samples) - samples))
}

function successesOf(conversations: readonly Turn[][]): number {
  return conversations.filter((turns) => turns.some(({ evaluations }) => isRight(evaluations))).length
}

function isRight(evaluations: Turn['evaluations']): boolean {
  return evaluations !== null && outcomeOf(evaluations).kind === 'passed'
}

// What is under way comes to its end before a failure is told: its answer may be paid for.
async function allOf<Value>(promises: readonly Promise<Value>[]): Promise<Value[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}
