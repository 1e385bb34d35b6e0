import { join } from 'node:path'
import { buildAhead } from '../../validators/build-ahead.ts'
import { rememberEvaluations } from '../../validators/evaluation-cache.ts'
import type { EvaluationRequest, Validator } from '../../validators/types.ts'
import { VALIDATOR, openValidator } from '../../validators/validator.ts'
import { bucketOf } from '../core/hash.ts'
import { candidates } from '../core/records/candidate.ts'
import type { Candidate } from '../core/records/candidate.ts'
import { evaluations } from '../core/records/evaluation.ts'
import type { Evaluation } from '../core/records/evaluation.ts'
import { rejects } from '../core/records/reject.ts'
import type { Reject } from '../core/records/reject.ts'
import { tasks } from '../core/records/task.ts'
import type { Task } from '../core/records/task.ts'
import type { ShardKey, ShardSpec, Stage, StageContext, World } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import type { Recipe } from './recipe.ts'
import { candidateShards, validateShards } from './upstream-shards.ts'
import { validatorSettings } from './validator-settings.ts'

/**
 * Judges every candidate on the workloads of its task. A shard holds whole tasks, chosen by task id, so that a reference is
 * computed once for all of its candidates.
 */
export const validateStage: Stage<Recipe, Validator> = {
  name: 'validate',
  version: 2,
  unit: 'candidates',
  tables: [evaluations],
  // While the last candidates of one shard are judged, the next shard keeps the other judges busy.
  concurrency: () => 2,
  plan: (recipe, world) => validateShards(recipe).map((key) => specOf(key, recipe, world)),
  open: (recipe, cacheDirectory, signal) =>
    openValidator(validatorSettings(recipe), {
      workers: recipe.validate.workers,
      cacheFolder: cacheDirectory,
      signal,
    }),
  close: (validator) => validator.close(),
  async *run(context) {
    const work = await readWork(context)
    context.progress.expect(work.pairs.length)
    for (const orphan of work.orphans) yield rowOf(rejects, rejectOf(orphan))
    const validator = rememberEvaluations(context.resource, {
      folder: join(context.cacheDirectory, 'evaluations'),
      settings: validatorSettings(context.recipe),
      device: context.world.device,
    })
    await validator.prepare(work.pairs)
    yield* judgeInOrder(work.pairs, validator, context)
  },
  async prepareOn(context, capability) {
    const { pairs } = await readWork(context)
    const { recipe, cacheDirectory: cacheFolder, signal } = context
    await buildAhead(pairs, validatorSettings(recipe), { capability, cacheFolder, signal })
  },
}

function specOf(key: ShardKey, recipe: Recipe, world: World): ShardSpec {
  return {
    ...key,
    config: { ...validatorSettings(recipe), shards: recipe.validate.shards, validator: VALIDATOR },
    external: world.device,
    inputs: candidateShards(recipe, world).filter(({ stage }) => stage !== 'validate'),
  }
}

interface Work {
  /**
   * In the order they are judged: by task, so that candidates of one task meet its reference one after another; tasks with
   * something to compile last, so that it is compiled meanwhile.
   */
  readonly pairs: readonly EvaluationRequest[]
  /** Candidates of this shard whose task no input shard holds. */
  readonly orphans: readonly Candidate[]
}

async function readWork(context: StageContext<Recipe, unknown>): Promise<Work> {
  const belonging = (column: string) => ({
    column,
    holds: (taskId: unknown) => bucketOf(String(taskId), context.recipe.validate.shards) === numberOf(context.shard),
  })
  const tasksById = new Map<string, Task>()
  for await (const task of context.read(tasks, belonging('id'))) tasksById.set(task.id, task)
  const candidatesById = new Map<string, Candidate>()
  for await (const candidate of context.read(candidates, belonging('task_id'))) {
    if (!candidatesById.has(candidate.id)) candidatesById.set(candidate.id, candidate)
  }
  const compiled = new Set([...candidatesById.values()].filter(isCompiled).map(({ task_id }) => task_id))
  const ordered = [...candidatesById.values()].sort(
    (a, b) =>
      Number(compiled.has(a.task_id)) - Number(compiled.has(b.task_id)) ||
      compareText(a.task_id, b.task_id) ||
      compareText(a.id, b.id),
  )
  const pairs = ordered.flatMap((candidate) => {
    const task = tasksById.get(candidate.task_id)
    return task === undefined ? [] : [{ task, candidate }]
  })
  return { pairs, orphans: ordered.filter(({ task_id }) => !tasksById.has(task_id)) }
}

async function* judgeInOrder(
  pairs: readonly EvaluationRequest[],
  validator: Pick<Validator, 'evaluate'>,
  context: StageContext<Recipe, Validator>,
): AsyncGenerator<TableRow> {
  const judged = new Map<string, readonly Evaluation[]>()
  const waiting = [...pairs].reverse()
  // Whoever is free takes the next pair; after a failure of the machine there is none.
  async function work(): Promise<void> {
    for (let request = waiting.pop(); request !== undefined; request = waiting.pop()) {
      context.signal.throwIfAborted()
      judged.set(request.candidate.id, await validator.evaluate(request).catch(stop))
      for (const { message, hint } of context.resource.takeWarnings()) context.progress.warn?.(message, hint)
      for (const time of context.resource.takeTimes()) context.log.info(time, 'judged')
      context.progress.advance()
    }
  }
  function stop(error: unknown): never {
    waiting.length = 0
    throw error
  }
  await Promise.all(Array.from({ length: context.resource.concurrency }, work))
  for (const [, rows] of [...judged].sort(([a], [b]) => compareText(a, b))) {
    for (const row of rows) yield rowOf(evaluations, row)
  }
}

function numberOf({ shard }: ShardKey): number {
  return Number.parseInt(shard, 10)
}

function isCompiled({ language }: Candidate): boolean {
  return language !== 'triton'
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function rejectOf(candidate: Candidate): Reject {
  return {
    record_id: candidate.id,
    stage: 'validate',
    by: VALIDATOR,
    reason: 'task_missing',
    detail: `its task ${candidate.task_id} is in no shard of pair`,
    source: candidate.source,
  }
}
