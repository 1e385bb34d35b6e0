import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadedRecipe } from '../config/load-recipe.ts'
import { toCurateError, usageError } from '../core/errors.ts'
import type { CurateError } from '../core/errors.ts'
import type { Emit, PlannedShard } from '../core/events.ts'
import { silentLog } from '../core/log.ts'
import type { Logger } from '../core/log.ts'
import type { ShardKey, Stage, StageName } from '../core/stage.ts'
import { workDirectory } from '../core/work-directory.ts'
import type { WorkDirectory } from '../core/work-directory.ts'
import type { Engine, StageJob } from '../engines/types.ts'
import type { Recipe } from '../stages/recipe.ts'
import { clusterDevice } from './cluster-device.ts'
import { openPlanner } from './planner.ts'
import type { Planner } from './planner.ts'
import type { RunPlan } from './run-plan.ts'
import type { RunState } from './run-state.ts'
import { stages } from './stages.ts'
import { settleWorld } from './world.ts'

/** What to run. */
export interface RunRequest {
  readonly loaded: LoadedRecipe
  /** Folder that holds the folders of all runs. */
  readonly baseDirectory: string
  /** Stages to run, in order; the others are only looked at. */
  readonly stages: readonly StageName[]
  /** Stages whose finished shards are run again. */
  readonly force: readonly StageName[]
  /** Ask sources for newer commits. */
  readonly update: boolean
  /** Where shards run, and the engine's options. */
  readonly engine: { readonly plugin: Engine; readonly options: unknown; readonly isNamed: boolean }
  readonly signal: AbortSignal
  readonly emit: Emit
  /** Asks the person at the terminal; null where there is none. */
  readonly ask: StageJob['ask']
}

/** What a run would do, without doing it, taking the lock or writing to the work directory. */
export async function planRun(request: RunRequest): Promise<{ stage: StageName; shards: PlannedShard[] }[]> {
  const directories = workDirectory(request.baseDirectory, request.loaded.recipe.name)
  const cache = await mkdtemp(join(tmpdir(), 'curate-plan-'))
  try {
    const { planner, unreachable } = await prepare(request, { ...directories, cache }, silentLog, false)
    return stages
      .filter(({ name }) => request.stages.includes(name))
      .map((stage) => ({
        stage: stage.name,
        shards: [
          ...planner.plan(stage, request.force.includes(stage.name)),
          ...unreachable.filter((shard) => shard.stage === stage.name).map(cannotRun),
        ],
      }))
  } finally {
    await rm(cache, { recursive: true, force: true })
  }
}

function cannotRun({ stage, shard, error }: Unreachable): PlannedShard {
  return { stage, shard, state: 'blocked', reason: `its source cannot be reached: ${error.message}` }
}

/** The shard of a source that could not be reached, which no stage plans: it fails, everything else goes on. */
export interface Unreachable extends ShardKey {
  readonly error: CurateError
}

/** What is settled before the first shard runs. */
export interface Preparation {
  readonly planner: Planner
  readonly state: RunState<Recipe>
  readonly unreachable: readonly Unreachable[]
}

/** Settles the facts that plans look at, and opens the planner; `keep` records which commits sources are at. */
export async function prepare(
  request: RunRequest,
  directories: WorkDirectory,
  log: Logger,
  keep: boolean,
): Promise<Preparation> {
  const { loaded, signal, update } = request
  const context = { cacheDirectory: directories.cache, signal, log }
  const device = await clusterDevice(request, directories, keep)
  const found = await settleWorld(loaded, directories.sourceLockFile, { update, keep, device }, context)
  const state = {
    recipe: loaded.recipe,
    recipeDirectory: loaded.directory,
    world: found.world,
    directories,
    checked: new Set<string>(),
    log,
    signal,
    engine: request.engine.plugin.id,
  }
  const unreachable = found.unreachable.map(({ id, error }) => {
    return { stage: 'mine' as const, shard: id, error: toCurateError(error) }
  })
  const planner = await openPlanner(loaded.recipe, found.world, stages, directories)
  if (unreachable.length === 0) requireWork(planner, request)
  return { planner, state, unreachable }
}

// What is asked for by name and is no part of the recipe is a mistake, and not done.
function requireWork(planner: Planner, request: RunRequest): void {
  const asked = stages.filter(({ name }) => request.stages.includes(name))
  if (asked.some((stage) => planner.plan(stage, false).length > 0)) return
  const names = asked.map(({ name }) => name).join(', ')
  throw usageError(
    `the recipe ${request.loaded.recipe.name} says nothing for ${names} to do`,
    `${request.loaded.path} needs ${asked.map(({ name }) => `\`${NEEDED[name] ?? name}\``).join(' or ')} for that.`,
  )
}

/** The part of a recipe that gives a stage its work, where it has another name. */
const NEEDED: Partial<Record<StageName, string>> = { mine: 'sources', pair: 'sources' }

/** A stage that is asked for alone must not run on inputs that an earlier stage would have made differently. */
export function requireInputs(planner: Planner, stage: Stage<Recipe, unknown>, request: RunRequest): void {
  for (const key of planner.inputsOf(stage)) {
    const shard = planner.stateOf(key)
    if (request.stages.includes(key.stage) || shard === undefined || shard.state === 'done') continue
    throw usageError(
      `${stage.name} needs ${key.stage}/${key.shard}, which is ${shard.state}: ${shard.reason}`,
      `Run the stages before it too: \`curate --recipe ${request.loaded.path} --to ${stage.name}\`.`,
    )
  }
}

/** The recorded shards, with those of unreachable sources: so that `status` and the funnel count what is not there. */
export function withUnreachable(plan: RunPlan, unreachable: readonly Unreachable[]): RunPlan {
  return plan.map(({ stage, shards }) => {
    const failed = unreachable.filter((shard) => shard.stage === stage).map(({ shard }) => shard)
    return { stage, shards: [...shards, ...failed] }
  })
}
