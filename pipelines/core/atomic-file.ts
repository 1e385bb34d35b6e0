import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { systemCodeOf } from './errors.ts'

/** Temporary names end so; a run removes what a killed one left behind. */
export const TEMPORARY_SUFFIX = '.tmp'

/** A name beside `path` that no other process uses. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString('hex')}${TEMPORARY_SUFFIX}`
}

/**
 * Removes what killed processes of this machine left in a folder under such names. With `target` only what was to become that.
 */
export async function removeAbandoned(folder: string, target: string | null = null): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, wanted, pid] = /^(.+)\.(\d+)-[0-9a-f]+\.tmp$/.exec(name) ?? []
    if (pid === undefined || (target !== null && wanted !== target) || isAlive(Number(pid))) continue
    await rm(join(folder, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCodeOf(error) !== 'ESRCH'
  }
}

/**
 * Writes a small file so that a reader, or a run after `kill -9`, sees the old text or the new one and never a part. What killed
 * processes left of the same file is removed.
 */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = temporaryName(path)
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await putInPlace(temporary, path)
}

/** A file that is written piece by piece and seen by nobody before it is whole. */
export interface GrowingFile {
  /** Pieces are written in the order of these calls. */
  write(text: string): Promise<void>
  /** Puts the file in its place. */
  commit(): Promise<void>
  /** Leaves what was there before. */
  discard(): Promise<void>
}

/** Begins a file that replaces `path` once it is whole. */
export async function openFileAtomic(path: string): Promise<GrowingFile> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = temporaryName(path)
  const file = await open(temporary, 'w')
  let last: Promise<void> = Promise.resolve()
  return {
    async write(text) {
      last = last.then(() => file.writeFile(text))
      return last
    },
    async commit() {
      await last
      await file.sync()
      await file.close()
      await putInPlace(temporary, path)
    },
    async discard() {
      await last.catch(() => undefined)
      await file.close()
      await rm(temporary, { force: true })
    },
  }
}

/** Makes the content of a finished file durable: what a manifest promises must survive a power cut. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

// Of two machines that write one file the ids of processes say nothing: what the other one took for abandoned was written before
// what it put there itself.
async function putInPlace(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path)
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT' || !existsSync(path)) throw error
  }
  // Without leave to list a folder one may write there all the same.
  await removeAbandoned(dirname(path), basename(path)).catch(() => undefined)
}
