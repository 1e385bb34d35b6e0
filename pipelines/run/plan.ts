import type { PlannedShard } from '../core/events.ts'
import { hashOf } from '../core/hash.ts'
import type { Manifest } from '../core/manifest.ts'
import { STAGE_NAMES } from '../core/stage.ts'
import type { ShardKey, ShardSpec } from '../core/stage.ts'

/** What is known of a shard on disk: its manifest, and the first output that is gone or changed. */
export interface ShardOnDisk {
  readonly manifest: Manifest | null
  readonly missingOutput: string | null
}

/** A shard with its state, its reason, and the hashes a run of it will record. */
export interface PlannedWork extends PlannedShard {
  readonly spec: ShardSpec
  /** The inputs a run of it will read: those of the spec that could be made. */
  readonly inputs: readonly ShardKey[]
  readonly configHash: string
  readonly inputHash: string
}

/** What planning looks at besides the specs. */
export interface Surroundings {
  onDisk(key: ShardKey): ShardOnDisk
  /** The plan of a shard of an earlier stage; undefined where no stage has it. */
  upstream(key: ShardKey): PlannedShard | undefined
  /** Whether a shard was tried in this run and will not come: others go on without it. */
  unavailable(key: ShardKey): boolean
}

/**
 * Decides what a stage has to do. Pure: it looks at the specs, at what is on disk and at the plans of the stages before,
 * and says for every shard why it runs or need not.
 */
export function planStage(version: number, specs: readonly ShardSpec[], around: Surroundings): PlannedWork[] {
  return specs.map((spec) => {
    const hashes = { configHash: hashOf(spec.config), inputHash: hashInputs(spec, around) }
    const state = blockedState(spec, around) ?? stateOnDisk(version, hashes, around.onDisk(spec))
    const inputs = spec.inputs.filter((key) => !around.unavailable(key))
    return { stage: spec.stage, shard: spec.shard, ...state, spec, inputs, ...hashes }
  })
}

// Everything a shard reads: its outside inputs and the output hashes of the input shards that are there.
function hashInputs(spec: ShardSpec, around: Surroundings): string {
  const inputs = spec.inputs.map((key) => ({
    stage: key.stage,
    shard: key.shard,
    output_hash: around.unavailable(key) ? null : (around.onDisk(key).manifest?.output_hash ?? null),
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

type State = Pick<PlannedShard, 'state' | 'reason'>

function blockedState(spec: ShardSpec, around: Surroundings): State | null {
  const { inputs, required = [] } = spec
  const failed = required.find((key) => around.unavailable(key))
  if (failed !== undefined) return { state: 'blocked', reason: `needs ${nameOf(failed)}, which could not be made` }
  if (inputs.length > 0 && inputs.every((key) => around.unavailable(key))) {
    return { state: 'blocked', reason: `none of its inputs could be made, such as ${nameOf(inputs[0])}` }
  }
  const waiting = inputs.find(
    (key) => !around.unavailable(key) && !['done', undefined].includes(around.upstream(key)?.state),
  )
  return waiting === undefined ? null : { state: 'blocked', reason: `waits for ${nameOf(waiting)}` }
}

function nameOf(key: ShardKey | undefined): string {
  return key === undefined ? '' : `${key.stage}/${key.shard}`
}

function stateOnDisk(
  version: number,
  hashes: { configHash: string; inputHash: string },
  { manifest, missingOutput }: ShardOnDisk,
): State {
  if (manifest === null) return { state: 'missing', reason: 'never finished' }
  if (manifest.stage_version !== version) {
    return { state: 'stale', reason: `stage version ${manifest.stage_version} is now ${version}` }
  }
  if (manifest.config_hash !== hashes.configHash)
    return { state: 'stale', reason: 'its settings in the recipe or the versions of its parts changed' }
  if (manifest.input_hash !== hashes.inputHash) return { state: 'stale', reason: 'its input changed' }
  if (missingOutput !== null) return { state: 'stale', reason: `${missingOutput} is gone or was changed` }
  return { state: 'done', reason: '' }
}
