import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeManifest } from '../../../pipelines/core/manifest.ts'

/** Writes a shard of `mine` that a node would have finished. */
export async function writeShard(runDirectory: string, shard: string): Promise<void> {
  const directory = join(runDirectory, 'mine', shard)
  await mkdir(directory, { recursive: true })
  await writeManifest(directory, {
    format_version: 1,
    stage: 'mine',
    stage_version: 1,
    shard,
    config_hash: '',
    input_hash: '',
    output_hash: '',
    curate_version: '0',
    engine: 'ray',
    host: 'n1',
    attempt: 'n1-1-a',
    plan_hash: 'p1',
    started_at: '',
    finished_at: '',
    duration_ms: 0,
    peak_memory_bytes: 0,
    counts: { read: {}, written: {} },
    reject_reasons: {},
    outputs: [],
  })
}
