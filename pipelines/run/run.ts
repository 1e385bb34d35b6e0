import { writeFileAtomic } from '../core/atomic-file.ts'
import { renderRecipe } from '../config/load-recipe.ts'
import { CurateError } from '../core/errors.ts'
import type { Emit, RunOutcome } from '../core/events.ts'
import { makeFolder } from '../core/folder.ts'
import { openLog } from '../core/log.ts'
import type { Logger } from '../core/log.ts'
import { acquireRunLock } from '../core/run-lock.ts'
import type { Stage } from '../core/stage.ts'
import { workDirectory } from '../core/work-directory.ts'
import type { WorkDirectory } from '../core/work-directory.ts'
import { forgetJob, openJobs } from '../engines/ray/job-record.ts'
import type { Recipe } from '../stages/recipe.ts'
import type { Planner } from './planner.ts'
import type { PlannedWork } from './plan.ts'
import type { RunState } from './run-state.ts'
import { refuseOtherDevice } from './cluster-device.ts'
import { prepare, requireInputs, withUnreachable } from './preparation.ts'
import type { RunRequest, Unreachable } from './preparation.ts'
import { removeAttempts, retractShard } from '../core/shard-commit.ts'
import { recordFailure } from './shard-failure.ts'
import { openShardSession } from './shard-session.ts'
import { writeRunPlan } from './run-plan.ts'
import { writeStagePlan } from './stage-plan.ts'
import { stages } from './stages.ts'

/** Runs the stages of a recipe, resuming where an earlier run stopped. Throws only what stops the whole run. */
export async function run(request: RunRequest): Promise<RunOutcome> {
  const { loaded, emit } = request
  const directories = workDirectory(request.baseDirectory, loaded.recipe.name)
  await makeFolder(directories.root)
  const release = await acquireRunLock(directories.runLockFile)
  try {
    const log = openLog(directories.logFile)
    emit({ type: 'run_started', recipe: loaded.recipe.name, directory: directories.root })
    await removeLeftovers(directories)
    const outcome = await runStages(request, directories, log)
    await removeLeftovers(directories)
    emit({ type: 'run_finished', outcome })
    return outcome
  } finally {
    await release()
  }
}

// A job that was left running on a cluster still writes there.
async function removeLeftovers(directories: WorkDirectory): Promise<void> {
  if ((await openJobs(directories.root)).length === 0) await removeAttempts(directories)
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
    await recordFailure(directories.failureFile(key), error)
    emit({ type: 'shard_failed', ...key, error })
  }
  return unreachable.length
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
  const due = work.filter(isDue)
  emit({ type: 'stage_planned', stage: stage.name, unit: stage.unit, shards: work })
  // Whatever a cluster still does for it, nobody waits for.
  if (due.length === 0) await forgetJob(state.directories.root, stage.name)
  if (due.length > 0) await refuseOtherDevice(request, state.directories, stage.name)
  if (stage.name === 'publish' && failuresBefore > 0 && due.length > 0) refusePartial(state.recipe)
  const started = Date.now()
  const failed = due.length === 0 ? [] : await runShards(stage, work, state, request)
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
  all: readonly PlannedWork[],
  state: RunState<Recipe>,
  { engine, emit, ask, force }: RunRequest,
): Promise<PlannedWork[]> {
  const { directories, recipe, signal } = state
  const planFile = directories.stagePlanFile(stage.name)
  const due = all.filter(isDue)
  const planHash = await writeStagePlan(planFile, stage, all, state)
  for (const work of due) await retractShard(directories, { ...work, stageVersion: stage.version })
  const byName = new Map(due.map((work) => [work.shard, work]))
  const failed = await engine.plugin.run(
    {
      stage: stage.name,
      shards: [...byName.keys()],
      isForced: force.includes(stage.name),
      concurrency: stage.concurrency(recipe),
      planFile,
      planHash,
      directories,
      inputs: [
        ...new Map(due.flatMap(({ inputs }) => inputs).map((key) => [`${key.stage}/${key.shard}`, key])).values(),
      ],
      wanted: (shard) => ({ ...named(byName, shard), stageVersion: stage.version }),
      signal,
      emit,
      ask,
      async open() {
        const session = await openShardSession(stage, { ...state, planHash }, emit)
        return {
          run: async (shard) => (await session.run(named(byName, shard))) === null,
          close: () => session.close(),
        }
      },
    },
    engine.options,
  )
  return failed.map((shard) => named(byName, shard))
}

function isDue({ state }: PlannedWork): boolean {
  return state === 'missing' || state === 'stale'
}

function named(works: ReadonlyMap<string, PlannedWork>, shard: string): PlannedWork {
  const work = works.get(shard)
  if (work === undefined) throw new TypeError(`an engine speaks of ${shard}, which it was not given`)
  return work
}
