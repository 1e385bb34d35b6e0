import type { PlannedShard } from '../core/events.ts'
import { hashOf } from '../core/hash.ts'
import type { Manifest } from '../core/manifest.ts'
import { STAGE_NAMES } from '../core/stage.ts'
import type { ShardKey, ShardSpec, Stage } from '../core/stage.ts'

/** What is known of a shard on disk: its manifest, and the first output that is gone or changed. */
export interface ShardOnDisk {
  readonly manifest: Manifest | null
  readonly missingOutput: string | null
}

/** A shard with its state, its reason, and the hashes a run of it will record. */
export interface PlannedWork extends PlannedShard {
  readonly spec: ShardSpec
  readonly configHash: string
  readonly inputHash: string
}

/**
 * Decides what a stage has to do. Pure: it looks at the specs, at what is on disk and at the plans of the stages before,
 * and says for every shard why it runs or need not.
 */
export function planStage<Recipe, Resource>(
  stage: Pick<Stage<Recipe, Resource>, 'version'>,
  specs: readonly ShardSpec[],
  onDisk: (key: ShardKey) => ShardOnDisk,
  upstream: (key: ShardKey) => PlannedShard | undefined,
): PlannedWork[] {
  return specs.map((spec) => {
    const configHash = hashOf(spec.config)
    const inputHash = hashInputs(spec, onDisk)
    const { state, reason } = stateOf(spec, stage.version, { configHash, inputHash }, onDisk(spec), upstream)
    return { stage: spec.stage, shard: spec.shard, state, reason, spec, configHash, inputHash }
  })
}

/** The hash of everything a shard reads: its outside inputs and the output hashes of the input shards that are there. */
export function hashInputs(spec: ShardSpec, onDisk: (key: ShardKey) => ShardOnDisk): string {
  const inputs = spec.inputs.map((key) => ({
    stage: key.stage,
    shard: key.shard,
    output_hash: onDisk(key).manifest?.output_hash ?? null,
  }))
  return hashOf({ external: spec.external, inputs })
}

/** The stages from `from` to `to`, both included, in order. */
export function stagesBetween(from: string | undefined, to: string | undefined): (typeof STAGE_NAMES)[number][] {
  const names: readonly string[] = STAGE_NAMES
  const first = from === undefined ? 0 : names.indexOf(from)
  const last = to === undefined ? STAGE_NAMES.length - 1 : names.indexOf(to)
  return STAGE_NAMES.slice(first, last + 1)
}

function stateOf(
  spec: ShardSpec,
  version: number,
  hashes: { configHash: string; inputHash: string },
  { manifest, missingOutput }: ShardOnDisk,
  upstream: (key: ShardKey) => PlannedShard | undefined,
): Pick<PlannedShard, 'state' | 'reason'> {
  const waiting = spec.inputs.find((key) => !['done', undefined].includes(upstream(key)?.state))
  if (waiting !== undefined) return { state: 'blocked', reason: `waits for ${waiting.stage}/${waiting.shard}` }
  if (manifest === null) return { state: 'missing', reason: 'never finished' }
  if (manifest.stage_version !== version) {
    return { state: 'stale', reason: `stage version ${manifest.stage_version} is now ${version}` }
  }
  if (manifest.config_hash !== hashes.configHash)
    return { state: 'stale', reason: 'its settings in the recipe changed' }
  if (manifest.input_hash !== hashes.inputHash) return { state: 'stale', reason: 'its input changed' }
  if (missingOutput !== null) return { state: 'stale', reason: `${missingOutput} is gone or was changed` }
  return { state: 'done', reason: '' }
}
