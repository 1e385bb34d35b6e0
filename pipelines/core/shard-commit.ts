import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { CurateError, systemCodeOf } from './errors.ts'
import { missingOutput, readManifest, removeManifest } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import type { ShardKey } from './stage.ts'
import type { WorkDirectory } from './work-directory.ts'

/** What a finished shard must say of itself to count for a plan. */
export interface Wanted extends ShardKey {
  readonly configHash: string
  readonly inputHash: string
  readonly stageVersion: number
}

/** One try at a shard: a folder that no other try writes to. */
export interface Attempt {
  /** Host, process and chance: unique over all machines of a cluster. */
  readonly id: string
  readonly directory: string
}

/** Opens a try at a shard. Any number may go on at once, on any machines that share the work directory. */
export async function openAttempt(directories: WorkDirectory, key: ShardKey): Promise<Attempt> {
  const id = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`
  const directory = join(directories.attempts, key.stage, key.shard, id)
  await mkdir(directory, { recursive: true })
  return { id, directory }
}

/**
 * Makes a try, its manifest included, the shard. The first that comes wins: a rename onto a folder that holds something fails, on
 * every POSIX file system (rename(2)). Gives the manifest that counts, which for a later try is the winner's.
 */
export async function commitAttempt(
  { directory }: Attempt,
  directories: WorkDirectory,
  wanted: Wanted,
  manifest: Manifest,
): Promise<Manifest> {
  const target = directories.shard(wanted)
  await syncFolder(directory)
  await mkdir(dirname(target), { recursive: true })
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (await moveInto(directory, target)) return manifest
    const present = await finishedShard(directories, wanted)
    if (present !== null) {
      await rm(directory, { recursive: true, force: true })
      return present
    }
    await putAside(directory, target, wanted)
  }
  throw new CurateError('shard_contested', `${target} is filled by others again and again with something else`, {
    hint: 'Another run with other settings works in the same folder: stop it, or use another --work-dir.',
    retryable: true,
  })
}

/** The manifest of a shard that is there, whole, and what a plan wants; else null. */
export async function finishedShard(directories: WorkDirectory, wanted: Wanted): Promise<Manifest | null> {
  const directory = directories.shard(wanted)
  const manifest = await readManifest(directory)
  if (manifest === null || !isWanted(manifest, wanted)) return null
  return (await missingOutput(directory, manifest)) === null ? manifest : null
}

/** Takes back the word that a shard is done where a plan wants it made again although it looks done. */
export async function retractShard(directories: WorkDirectory, wanted: Wanted): Promise<void> {
  const manifest = await readManifest(directories.shard(wanted))
  if (manifest !== null && isWanted(manifest, wanted)) await removeManifest(directories.shard(wanted))
}

/** Removes what tries left behind. Only for who holds the work directory and knows of none that goes on. */
export async function removeAttempts(directories: WorkDirectory): Promise<void> {
  await rm(directories.attempts, { recursive: true, force: true })
}

const MAX_ROUNDS = 5

function isWanted(manifest: Manifest, { configHash, inputHash, stageVersion }: Wanted): boolean {
  return (
    manifest.config_hash === configHash && manifest.input_hash === inputHash && manifest.stage_version === stageVersion
  )
}

async function moveInto(directory: string, target: string): Promise<boolean> {
  try {
    await rename(directory, target)
    return true
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) return false
    throw error
  }
}

// What lies there is of an earlier plan. If another try has come meanwhile, it is what was moved, and goes back.
async function putAside(directory: string, target: string, wanted: Wanted): Promise<void> {
  const aside = `${directory}.replaced`
  try {
    await rename(target, aside)
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return
    throw error
  }
  const moved = await readManifest(aside)
  const isGood = moved !== null && isWanted(moved, wanted) && (await missingOutput(aside, moved)) === null
  if (isGood && (await moveInto(aside, target))) return
  await rm(aside, { recursive: true, force: true })
}

// The names in the folder must be as durable as what they name. Some network file systems know no such request.
async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, 'r')
  try {
    await folder.sync().catch(() => undefined)
  } finally {
    await folder.close()
  }
}
