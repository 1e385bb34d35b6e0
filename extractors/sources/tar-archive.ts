import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import type { Extract } from 'tar-stream'
import { CurateError, messageOf, systemCodeOf } from '../../pipelines/core/errors.ts'
import { archiveTooLarge, archiveUnreadable } from './archive-entry.ts'
import type { ArchiveEntry, ArchiveLimits } from './archive-entry.ts'

/** Hands on the entries of a gzip-compressed tar archive one after the other. Nothing is written and no name followed. */
export async function readTarGz(
  path: string,
  limits: ArchiveLimits,
  onEntry: (entry: ArchiveEntry) => Promise<void>,
): Promise<void> {
  const entries = extract()
  const fed = pipeline(createReadStream(path), createGunzip(), bounded(limits.maxTotalBytes), entries)
  try {
    await Promise.all([fed, handOn(entries, limits, onEntry)])
  } catch (error) {
    entries.destroy()
    throw archiveError(error)
  }
}

async function handOn(
  entries: Extract,
  { maxFileBytes }: ArchiveLimits,
  onEntry: (entry: ArchiveEntry) => Promise<void>,
): Promise<void> {
  for await (const entry of entries) {
    const { name, size, type } = entry.header
    const special = SPECIAL[type]
    const isRead = special === null && size <= maxFileBytes
    const content = await contentOf(entry, isRead)
    if (special !== undefined) await onEntry({ path: name, numBytes: size, special, content })
  }
}

// What is no kind that POSIX names, and folders, are passed over.
const SPECIAL: Record<string, ArchiveEntry['special']> = {
  file: null,
  'contiguous-file': null,
  link: 'symlink',
  symlink: 'symlink',
  'character-device': 'special_file',
  'block-device': 'special_file',
  fifo: 'special_file',
}

// Every entry must be read to its end, or the next one never comes.
async function contentOf(entry: AsyncIterable<unknown>, isKept: boolean): Promise<Buffer | null> {
  const pieces: Uint8Array[] = []
  for await (const piece of entry) if (isKept && piece instanceof Uint8Array) pieces.push(piece)
  return isKept ? Buffer.concat(pieces) : null
}

function bounded(maxTotalBytes: number) {
  return async function* (bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let total = 0
    for await (const piece of bytes) {
      total += piece.length
      if (total > maxTotalBytes) throw archiveTooLarge(`${maxTotalBytes} bytes`)
      yield piece
    }
  }
}

function archiveError(error: unknown): unknown {
  if (error instanceof CurateError) return error
  const code = systemCodeOf(error)
  if (code?.startsWith('Z_') === true) return archiveUnreadable('it is no gzip file, or is cut short')
  return code === null ? archiveUnreadable(messageOf(error)) : error
}
