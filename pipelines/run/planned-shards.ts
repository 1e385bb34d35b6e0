import { rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { describeDevice } from '../../validators/device.ts'
import { writeFileAtomic } from '../core/atomic-file.ts'
import { CurateError, messageOf, toCurateError } from '../core/errors.ts'
import type { Emit } from '../core/events.ts'
import { openLog } from '../core/log.ts'
import { readManifest } from '../core/manifest.ts'
import { openObjectStore } from '../core/object-store.ts'
import type { ObjectStore } from '../core/object-store.ts'
import { openShardStore, progressKey } from '../core/shard-store.ts'
import type { ShardStore } from '../core/shard-store.ts'
import type { Stage } from '../core/stage.ts'
import { workDirectory } from '../core/work-directory.ts'
import type { Recipe } from '../stages/recipe.ts'
import type { PlannedWork } from './plan.ts'
import type { RunState } from './run-state.ts'
import { prepareShard } from './shard-runner.ts'
import { openShardSession } from './shard-session.ts'
import type { ShardSession } from './shard-session.ts'
import { plannedWork, readStagePlan } from './stage-plan.ts'
import type { StagePlan } from './stage-plan.ts'
import { stages } from './stages.ts'

/** Shards of a plan, run in this process; see `openPlannedShards`. */
export interface PlannedShards {
  /** The shards of the plan, in its order. */
  readonly shards: readonly string[]
  /** Does ahead what one will want and what needs no GPU, for GPUs of this compute capability. */
  prepare(shard: string, capability: readonly [number, number]): Promise<void>
  /** Runs one, unless it is there already; false where it failed, which is told and recorded. */
  run(shard: string): Promise<boolean>
  /** Puts what a driver says of its job where others look for it; nothing where all see one folder. */
  publish(progress: string): Promise<void>
  close(): Promise<void>
}

/** What runs them, for their manifests, and who is told. */
export interface PlannedShardsOptions {
  readonly engine: string
  /** Where a plan that lies in an object store is worked on: a folder of this machine alone. */
  readonly scratch: string
  readonly emit: Emit
  readonly signal: AbortSignal
}

/**
 * Opens a plan on any machine that sees the work directory. The unit of every engine: any number of machines may run the same
 * shard, the first to finish counts, and the others do no harm.
 */
export async function openPlannedShards(path: string, options: PlannedShardsOptions): Promise<PlannedShards> {
  const stored = path.startsWith('s3://') ? await fetchPlan(path, options.scratch) : null
  const planFile = stored?.planFile ?? resolve(path)
  const plan = await readStagePlan(planFile)
  const stage = stageOf(plan)
  const state = await stateOf(plan, planFile, options)
  const store = stored === null ? null : openShardStore(stored.store, state.directories, plan.run)
  async function bring(shards: ShardStore, work: PlannedWork): Promise<void> {
    for (const input of work.inputs) await shards.pull(input)
    // One that is here and not in the store was taken back there, to be made again.
    if ((await shards.pull(work)) !== null || (await readManifest(state.directories.shard(work))) === null) return
    await rm(state.directories.shard(work), { recursive: true, force: true })
  }
  // What is only on this machine is not finished yet.
  const emit: Emit = (event) => (store !== null && event.type === 'shard_finished' ? undefined : options.emit(event))
  // Opened with the first shard: who only prepares needs no judges.
  let opened: Promise<ShardSession> | null = null
  const session = (): Promise<ShardSession> => (opened ??= openShardSession(stage, state, emit))
  return {
    shards: plan.shards.map(({ shard }) => shard),
    async run(shard) {
      try {
        const work = plannedWork(plan, stage, shard)
        if (store !== null) await bring(store, work)
        const ok = (await (await session()).run(work)) === null && !options.signal.aborted
        if (!ok || store === null) return ok
        const manifest = await store.push(work)
        options.emit({ type: 'shard_finished', stage: plan.stage, shard, manifest })
        return true
      } catch (error) {
        options.emit({ type: 'shard_failed', stage: plan.stage, shard, error: toCurateError(error) })
        return false
      }
    },
    prepare: (shard, capability) => prepareShard(stage, plannedWork(plan, stage, shard), state, capability),
    async publish(progress) {
      const written = stored?.store.write(progressKey(plan.run, plan.stage), progress)
      // Nobody's shard depends on it, and the next one comes in some seconds.
      await written?.catch((error: unknown) => state.log.warn({ message: messageOf(error) }, 'progress not published'))
    },
    close: async () => (await opened)?.close(),
  }
}

// `s3://BUCKET/PREFIX/RUN/plans/STAGE.json`, as a work directory is laid out.
async function fetchPlan(url: string, scratch: string): Promise<{ store: ObjectStore; planFile: string }> {
  const [, root = '', key = ''] = /^(s3:\/\/.+?)\/([^/]+\/plans\/[^/]+\.json)$/.exec(url) ?? []
  const store = await openObjectStore(root)
  const text = await store.read(key)
  if (text === null) {
    throw new CurateError('bad_plan', `${url}: there is no such object`, {
      hint: 'The run that wants it puts it there: is the address that of the bucket and prefix it uses?',
    })
  }
  const planFile = join(resolve(scratch), key)
  await writeFileAtomic(planFile, text)
  return { store, planFile }
}

function stageOf({ stage }: StagePlan): Stage<Recipe, unknown> {
  const found = stages.find(({ name }) => name === stage)
  if (found === undefined) throw new TypeError(`there is no stage ${stage}`)
  return found
}

async function stateOf(
  plan: StagePlan,
  planFile: string,
  { engine, signal }: PlannedShardsOptions,
): Promise<RunState<Recipe>> {
  // The plan lies in `plans`, in the folder of the run, in the work directory.
  const directories = workDirectory(resolve(planFile, '..', '..', '..'), plan.run)
  return {
    recipe: plan.recipe,
    recipeDirectory: plan.recipe_directory,
    // Verdicts are kept under what they were made on, which is this machine and not the one that planned.
    world: { ...plan.world, device: await describeDevice() },
    directories,
    log: openLog(join(directories.logs, `${plan.stage}-${hostname()}-${process.pid}.jsonl`)),
    signal,
    engine,
    planHash: plan.planHash,
    checked: new Set(),
  }
}
