import { join } from 'node:path'
import { readManifest } from '../../core/manifest.ts'
import type { WorkDirectory } from '../../core/work-directory.ts'

/** Paths of the exported dataset of a run; empty before the export stage is done. */
export async function exportedFiles(directories: WorkDirectory): Promise<string[]> {
  const directory = directories.shard({ stage: 'export', shard: 'all' })
  const manifest = await readManifest(directory)
  const dataset = (manifest?.outputs ?? []).filter(({ num_rows }) => num_rows === null)
  return dataset.map(({ path }) => join(directory, path)).sort()
}
