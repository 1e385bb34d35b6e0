import { readManifest } from '../core/manifest.ts'
import type { Manifest } from '../core/manifest.ts'
import type { StageName } from '../core/stage.ts'
import type { WorkDirectory } from '../core/work-directory.ts'
import { readFailure } from './shard-failure.ts'
import type { ShardFailure } from './shard-failure.ts'
import { readRunPlan } from './run-plan.ts'

/** One stage of the funnel, summed over its shards. */
export interface FunnelStage {
  readonly stage: StageName
  readonly shards: number
  readonly shardsDone: number
  /** Rows per table; rows that several shards read count once. */
  readonly read: Readonly<Record<string, number>>
  readonly written: Readonly<Record<string, number>>
  /** `plugin@version:reason` to count, most frequent first. */
  readonly rejected: readonly { readonly reason: string; readonly count: number }[]
  /** Sum over the shards, milliseconds. */
  readonly duration_ms: number
  readonly peak_memory_bytes: number
  readonly failures: readonly { readonly shard: string; readonly failure: ShardFailure }[]
}

/** The funnel of a run, read from the disk alone; stages without shards are left out. */
export async function readFunnel(directories: WorkDirectory): Promise<FunnelStage[]> {
  const plan = await readRunPlan(directories)
  const stages = await Promise.all(plan.map(({ stage, shards }) => readStage(directories, stage, shards)))
  return stages.filter(({ shards }) => shards > 0)
}

async function readStage(
  directories: WorkDirectory,
  stage: StageName,
  shards: readonly string[],
): Promise<FunnelStage> {
  const found = await Promise.all(shards.map((shard) => readManifest(directories.shard({ stage, shard }))))
  const manifests = found.filter((manifest) => manifest !== null)
  const failures = await Promise.all(
    shards.map(async (shard) => ({ shard, failure: await readFailure(directories.failureFile({ stage, shard })) })),
  )
  return {
    stage,
    shards: shards.length,
    shardsDone: manifests.length,
    ...sumManifests(manifests),
    failures: failures.flatMap(({ shard, failure }) => (failure === null ? [] : [{ shard, failure }])),
  }
}

function sumManifests(manifests: readonly Manifest[]) {
  const reasons = sumCounts(manifests.map((manifest) => manifest.reject_reasons))
  return {
    read: sumCounts([...onePerInput(manifests).values()].map(({ counts }) => counts.read)),
    written: sumCounts(manifests.map((manifest) => manifest.counts.written)),
    rejected: Object.entries(reasons)
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
    duration_ms: manifests.reduce((sum, { duration_ms }) => sum + duration_ms, 0),
    peak_memory_bytes: Math.max(0, ...manifests.map((manifest) => manifest.peak_memory_bytes)),
  }
}

// Shards that divide the same input among them read the same rows, which are counted once. Those of `validate` divide all candidates;
// where only some of them had to run again, the latest says how many there are.
function onePerInput(manifests: readonly Manifest[]): Map<string, Manifest> {
  const latestLast = [...manifests].sort((a, b) => (a.finished_at < b.finished_at ? -1 : 1))
  return new Map(latestLast.map((manifest) => [manifest.stage === 'validate' ? '' : manifest.input_hash, manifest]))
}

function sumCounts(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const [name, count] of counts.flatMap((each) => Object.entries(each))) sum[name] = (sum[name] ?? 0) + count
  return sum
}
