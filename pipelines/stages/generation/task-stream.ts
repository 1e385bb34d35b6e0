import type { PromptFile } from '../../../extractors/prompts/prompt-file.ts'
import { readParquet } from '../../core/parquet.ts'
import { Candidate, candidates } from '../../core/records/candidate.ts'
import { tasks } from '../../core/records/task.ts'
import type { Task } from '../../core/records/task.ts'
import type { StageContext } from '../../core/stage.ts'
import type { Recipe } from '../recipe.ts'
import { candidatesOfImport, tasksOfImport } from './import-entry.ts'
import type { ModelEntry } from './model-entry.ts'

type Context = StageContext<Recipe, unknown>

/** What a conversation may begin with. */
export interface Start {
  readonly task: Task
  /** An implementation that is to be corrected if it is wrong; null where one is to be written. */
  readonly candidate: Candidate | null
}

/** The tasks an entry asks for: those of repositories, then those that imports bring, each once. */
export async function* tasksFor(context: Context, { tasks: wanted }: Pick<ModelEntry, 'tasks'>): AsyncGenerator<Start> {
  const seen = wanted.only === 'without_candidate' ? await tasksWithCandidate(context) : new Set<string>()
  let left = wanted.limit ?? Infinity
  for await (const task of allTasks(context)) {
    if (left <= 0) return
    if (seen.has(task.id)) continue
    seen.add(task.id)
    left -= 1
    yield { task, candidate: null }
  }
}

/**
 * The implementations that are there before models are asked, of one file each and of the form that the prompt asks for: whether one is
 * wrong shows when it is judged.
 */
export async function* attemptsFor(
  context: Context,
  { tasks: wanted }: Pick<ModelEntry, 'tasks'>,
  { form }: Pick<PromptFile, 'form'>,
): AsyncGenerator<Start> {
  const tasksById = new Map<string, Task>()
  for await (const task of allTasks(context)) tasksById.set(task.id, task)
  let left = wanted.limit ?? Infinity
  for await (const candidate of earlierCandidates(context)) {
    if (left <= 0) return
    const task = tasksById.get(candidate.task_id)
    if (task === undefined || candidate.sources.length !== 1 || candidate.form !== form) continue
    left -= 1
    yield { task, candidate }
  }
}

// Every implementation that is there before models are asked, each once, in order.
async function* earlierCandidates(context: Context): AsyncGenerator<Candidate> {
  const seen = new Set<string>()
  for await (const candidate of context.read(candidates)) {
    if (seen.size < seen.add(candidate.id).size) yield candidate
  }
  for (const entry of context.recipe.generate.imports) {
    for await (const candidate of candidatesOfImport(context, entry)) {
      if (seen.size < seen.add(candidate.id).size) yield candidate
    }
  }
}

async function* allTasks(context: Context): AsyncGenerator<Task> {
  yield* context.read(tasks)
  for (const entry of context.recipe.generate.imports) yield* tasksOfImport(context, entry)
}

const TASK_ID = Candidate.pick({ task_id: true })

async function tasksWithCandidate(context: Context): Promise<Set<string>> {
  const ids = new Set<string>()
  for (const file of await context.inputFiles(candidates)) {
    for await (const row of readParquet(file, ['task_id'])) ids.add(TASK_ID.parse(row).task_id)
  }
  return ids
}
