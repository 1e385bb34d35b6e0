import { access, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { randomBytes } from 'node:crypto'
import { removeAbandoned } from './abandoned-files.ts'
import { systemCodeOf } from './errors.ts'

/** Temporary names end so; a run removes what a killed one left behind. */
export const TEMPORARY_SUFFIX = '.tmp'

/** A name beside `path` that no other process uses. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString('hex')}${TEMPORARY_SUFFIX}`
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
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (systemCodeOf(error) !== 'ENOENT' || !isThere) throw error
  }
  // Without leave to list a folder one may write there all the same.
  await removeAbandoned(dirname(path), basename(path)).catch(() => undefined)
}
