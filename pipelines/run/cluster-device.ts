import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../core/atomic-file.ts'
import { usageError } from '../core/errors.ts'
import type { StageName } from '../core/stage.ts'
import type { WorkDirectory } from '../core/work-directory.ts'
import type { RunRequest } from './preparation.ts'

const ClusterDevice = z.object({
  device: z.string().describe('What kernels of this run are judged on'),
  engine: z.string().describe('What brought them there'),
})

/**
 * What kernels of a run are judged on, where that is not simply this machine: an engine asks its nodes, and what it found holds for
 * later commands that name no engine, or verdicts of a cluster would look outdated from here. Null for this machine.
 */
export async function clusterDevice(
  { engine, stages, signal, baseDirectory }: RunRequest,
  directories: WorkDirectory,
  keep: boolean,
): Promise<string | null> {
  const known = await readClusterDevice(directories)
  if (engine.plugin.describeDevice === undefined) {
    if (!engine.isNamed) return known?.device ?? null
    if (keep && stages.includes('validate')) await rm(pathOf(directories), { force: true })
    return null
  }
  if (!keep && known !== null) return known.device
  const found = await engine.plugin.describeDevice({ stages, workDirectory: baseDirectory, signal }, engine.options)
  if (found === null) return known?.device ?? null
  if (keep) await writeClusterDevice(directories, found, engine.plugin.id)
  return found
}

/** Remembers what the kernels of a run are judged on. */
export async function writeClusterDevice(directories: WorkDirectory, device: string, engine: string): Promise<void> {
  await writeFileAtomic(pathOf(directories), `${JSON.stringify({ device, engine }, null, 2)}\n`)
}

/** Refuses to judge here, without being told to, what was begun on a cluster. */
export async function refuseOtherDevice(
  { engine }: RunRequest,
  directories: WorkDirectory,
  stage: StageName,
): Promise<void> {
  if (engine.isNamed || stage !== 'validate') return
  const known = await readClusterDevice(directories)
  if (known === null) return
  throw usageError(
    `this run was judged elsewhere (${known.engine}), and there is more to judge`,
    'Say where: --engine ray, or --engine local to judge everything on this machine.',
  )
}

async function readClusterDevice(directories: WorkDirectory): Promise<z.infer<typeof ClusterDevice> | null> {
  try {
    return ClusterDevice.parse(JSON.parse(await readFile(pathOf(directories), 'utf8')))
  } catch {
    return null
  }
}

function pathOf({ root }: WorkDirectory): string {
  return join(root, 'cluster.json')
}
