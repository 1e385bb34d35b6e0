import { mkdir } from 'node:fs/promises'
import { writeFileAtomic } from '../core/atomic-file.ts'
import { renderRecipe } from '../config/load-recipe.ts'
import { CurateError, toCurateError, usageError } from '../core/errors.ts'
import type { Emit, RunOutcome } from '../core/events.ts'
import { openLog } from '../core/log.ts'
import type { Logger } from '../core/log.ts'
import { acquireRunLock } from '../core/run-lock.ts'
import type { Stage } from '../core/stage.ts'
import { workDirectory } from '../core/work-directory.ts'
import type { WorkDirectory } from '../core/work-directory.ts'
import type { Recipe } from '../stages/recipe.ts'
import { runLocally } from '../engines/local.ts'
import type { Planner } from './planner.ts'
import type { PlannedWork } from './plan.ts'
import type { RunState } from './run-state.ts'
import { prepare, withUnreachable } from './preparation.ts'
import type { RunRequest, Unreachable } from './preparation.ts'
import { clearFailure, recordFailure } from './shard-failure.ts'
import { writeRunPlan } from './run-plan.ts'
import { runShard } from './shard-runner.ts'
import { stages } from './stages.ts'

/** Runs the stages of a recipe, resuming where an earlier run stopped. Throws only what stops the whole run. */
export async function run(request: RunRequest): Promise<RunOutcome> {
  const { loaded, emit } = request
  const directories = workDirectory(request.baseDirectory, loaded.recipe.name)
  await mkdir(directories.root, { recursive: true })
  const release = await acquireRunLock(directories.runLockFile)
  try {
    const log = openLog(directories.logFile)
    emit({ type: 'run_started', recipe: loaded.recipe.name, directory: directories.root })
    const outcome = await runStages(request, directories, log)
    emit({ type: 'run_finished', outcome })
    return outcome
  } finally {
    await release()
  }
}

async function runStages(request: RunRequest, directories: WorkDirectory, log: Logger): Promise<RunOutcome> {
  const { signal } = request
  await writeFileAtomic(directories.recipeFile, renderRecipe(request.loaded.recipe))
  const { planner, state, unreachable } = await prepare(request, directories, log, true)
  await writeRunPlan(directories, withUnreachable(planner.allShards(), unreachable))
  let failures = await reportUnreachable(unreachable, directories, request.emit)
  let ran = 0
  for (const stage of stages) {
    if (!request.stages.includes(stage.name) || signal.aborted) continue
    requireInputs(planner, stage, request)
    const result = await runStage(stage, planner, request, state, failures)
    failures += result.failures
    ran += result.ran
  }
  if (signal.aborted) return 'interrupted'
  if (failures > 0) return 'incomplete'
  return ran === 0 ? 'nothing_to_do' : 'done'
}

async function reportUnreachable(
  unreachable: readonly Unreachable[],
  directories: WorkDirectory,
  emit: Emit,
): Promise<number> {
  for (const { error, ...key } of unreachable) {
    await recordFailure(directories.shard(key), error)
    emit({ type: 'shard_failed', ...key, error })
  }
  return unreachable.length
}

// A stage that is asked for alone must not run on inputs that an earlier stage would have made differently.
function requireInputs(planner: Planner, stage: Stage<Recipe, unknown>, request: RunRequest): void {
  for (const key of planner.inputsOf(stage)) {
    const shard = planner.stateOf(key)
    if (request.stages.includes(key.stage) || shard === undefined || shard.state === 'done') continue
    throw usageError(
      `${stage.name} needs ${key.stage}/${key.shard}, which is ${shard.state}: ${shard.reason}`,
      `Run the stages before it too: --to ${stage.name}.`,
    )
  }
}

async function runStage(
  stage: Stage<Recipe, unknown>,
  planner: Planner,
  request: RunRequest,
  state: RunState<Recipe>,
  failuresBefore: number,
): Promise<{ ran: number; failures: number }> {
  const { emit } = request
  const work = planner.plan(stage, request.force.includes(stage.name))
  const blocked = work.filter((shard) => shard.state === 'blocked')
  const due = work.filter((shard) => shard.state === 'missing' || shard.state === 'stale')
  emit({ type: 'stage_planned', stage: stage.name, unit: stage.unit, shards: work })
  if (stage.name === 'publish' && failuresBefore > 0 && due.length > 0) refusePartial(state.recipe)
  const started = Date.now()
  const failed = due.length === 0 ? [] : await runShards(stage, due, state, emit)
  await planner.settle(due, [...failed, ...blocked])
  if (due.length > 0) emit({ type: 'stage_finished', stage: stage.name, duration_ms: Date.now() - started })
  return { ran: due.length, failures: failed.length }
}

// What is on the Hub is taken for whole.
function refusePartial(recipe: Recipe): void {
  if (recipe.publish?.allow_partial === true) return
  throw new CurateError('partial_dataset', 'some shards failed, so the dataset is not whole and is not published', {
    hint: 'Repair the failures above and run again, or set publish.allow_partial to true.',
  })
}

async function runShards(
  stage: Stage<Recipe, unknown>,
  due: readonly PlannedWork[],
  state: RunState<Recipe>,
  emit: Emit,
): Promise<PlannedWork[]> {
  const { recipe, directories, signal } = state
  const failed: PlannedWork[] = []
  const resource = await stage.open?.(recipe, directories.cache, signal)
  try {
    await runLocally(due, stage.concurrency(recipe), signal, async (work) => {
      const error = await runOne(stage, work, state, resource, emit)
      if (error !== null) failed.push(work)
    })
  } finally {
    await stage.close?.(resource)
  }
  return failed
}

async function runOne(
  stage: Stage<Recipe, unknown>,
  work: PlannedWork,
  state: RunState<Recipe>,
  resource: unknown,
  emit: Emit,
): Promise<CurateError | null> {
  const { stage: name, shard } = work
  const directory = state.directories.shard(work)
  emit({ type: 'shard_started', stage: name, shard })
  let done = 0
  let total = 0
  const report = (): void => emit({ type: 'progress', stage: name, shard, done, total })
  const progress = {
    expect: (units: number): void => {
      total += units
      report()
    },
    advance: (units = 1): void => {
      done += units
      report()
    },
    warn: (message: string, hint: string): void => {
      state.log.warn({ stage: name, shard, hint }, message)
      emit({ type: 'warning', message, hint })
    },
  }
  try {
    const manifest = await runShard(stage, work, state, resource, progress)
    await clearFailure(directory)
    emit({ type: 'shard_finished', stage: name, shard, manifest })
    return null
  } catch (thrown) {
    if (state.signal.aborted) return null
    const error = toCurateError(thrown)
    state.log.error(
      { stage: name, shard, code: error.code, message: error.message, stack: error.stack },
      'shard failed',
    )
    await recordFailure(directory, error)
    emit({ type: 'shard_failed', stage: name, shard, error })
    return error
  }
}
