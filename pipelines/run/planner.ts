import type { PlannedShard } from '../core/events.ts'
import { missingOutput, readManifest } from '../core/manifest.ts'
import type { ShardKey, ShardSpec, Stage, World } from '../core/stage.ts'
import type { WorkDirectory } from '../core/work-directory.ts'
import { planStage } from './plan.ts'
import type { PlannedWork, ShardOnDisk } from './plan.ts'
import type { RunPlan } from './run-plan.ts'

/** Plans over what is on disk: manifests are read once, and again for shards that ran. */
export interface Planner {
  plan(stage: Stage<never, unknown>, force: boolean): PlannedWork[]
  /** Every stage with the names of its shards. */
  allShards(): RunPlan
  /** The state of a shard, planned if it was not yet; undefined where no stage has it. */
  stateOf(key: ShardKey): PlannedShard | undefined
  /** The shards that any shard of a stage reads. */
  inputsOf(stage: Stage<never, unknown>): ShardKey[]
  /** Takes note of shards that were run: reads again what is on disk, and lets others go on without the failed ones. */
  settle(ran: readonly ShardKey[], failed: readonly ShardKey[]): Promise<void>
}

/** Opens a planner over all shards of all stages. */
export async function openPlanner<Recipe>(
  recipe: Recipe,
  world: World,
  stages: readonly Stage<Recipe, unknown>[],
  directories: WorkDirectory,
): Promise<Planner> {
  const specs = new Map(stages.map((stage) => [stage.name, stage.plan(recipe, world)]))
  const versions = new Map(stages.map((stage) => [stage.name, stage.version]))
  const onDisk = new Map<string, ShardOnDisk>()
  const states = new Map<string, PlannedShard>()
  const unavailable = new Set<string>()

  async function refresh(keys: readonly ShardKey[]): Promise<void> {
    const read = keys.map(async (key) => onDisk.set(nameOf(key), await look(directories.shard(key))))
    await Promise.all(read)
    states.clear()
  }
  function specsOf(stage: string): ShardSpec[] {
    return [...specs].find(([name]) => name === stage)?.[1] ?? []
  }
  function planOf(stageName: string): PlannedWork[] {
    const version = [...versions].find(([name]) => name === stageName)?.[1] ?? 0
    return planStage(version, specsOf(stageName), {
      onDisk: (key) => onDisk.get(nameOf(key)) ?? NOTHING,
      upstream: stateOf,
      unavailable: (key) => unavailable.has(nameOf(key)),
    })
  }
  function stateOf(key: ShardKey): PlannedShard | undefined {
    if (!states.has(nameOf(key))) for (const work of planOf(key.stage)) states.set(nameOf(work), work)
    return states.get(nameOf(key))
  }

  await refresh([...specs.values()].flat())
  return {
    plan(stage, force) {
      const planned = planOf(stage.name)
      if (!force) return planned
      return planned.map((work) => (work.state === 'done' ? { ...work, state: 'stale', reason: '--force' } : work))
    },
    allShards: () => [...specs].map(([stage, own]) => ({ stage, shards: own.map(({ shard }) => shard) })),
    stateOf,
    inputsOf: (stage) => [
      ...new Map(
        specsOf(stage.name)
          .flatMap(({ inputs }) => inputs)
          .map((key) => [nameOf(key), key]),
      ).values(),
    ],
    async settle(ran, failed) {
      for (const key of failed) unavailable.add(nameOf(key))
      await refresh(ran)
    },
  }
}

const NOTHING: ShardOnDisk = { manifest: null, missingOutput: null }

function nameOf({ stage, shard }: ShardKey): string {
  return `${stage}/${shard}`
}

async function look(directory: string): Promise<ShardOnDisk> {
  const manifest = await readManifest(directory)
  return { manifest, missingOutput: manifest === null ? null : await missingOutput(directory, manifest) }
}
