import { getFileNameLowLevel, openPromise } from 'yauzl'
import type { Entry, ZipFile } from 'yauzl'
import { CurateError, messageOf, systemCodeOf } from '../../pipelines/core/errors.ts'
import { archiveTooLarge, archiveUnreadable } from './archive-entry.ts'
import type { ArchiveEntry, ArchiveLimits } from './archive-entry.ts'

/** Hands on the entries of a zip archive one after the other. Nothing is written and no name followed. */
export async function readZip(
  path: string,
  limits: ArchiveLimits,
  onEntry: (entry: ArchiveEntry) => Promise<void>,
): Promise<void> {
  try {
    // Names are decoded here: one that leads out of the archive is a reject, not the end of the archive.
    const file = await openPromise(path, { decodeStrings: false, autoClose: false })
    try {
      await handOn(file, limits, onEntry)
    } finally {
      file.close()
    }
  } catch (error) {
    const isOwn = error instanceof CurateError || systemCodeOf(error)?.startsWith('Z_') === false
    throw isOwn ? error : archiveUnreadable(messageOf(error))
  }
}

async function handOn(
  file: ZipFile,
  limits: ArchiveLimits,
  onEntry: (entry: ArchiveEntry) => Promise<void>,
): Promise<void> {
  if (file.entryCount > limits.maxEntries) throw archiveTooLarge(`${limits.maxEntries} files`)
  let total = 0
  for await (const entry of file.eachEntry()) {
    const path = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true)
    if (path.endsWith('/')) continue
    const { uncompressedSize: numBytes } = entry
    total += numBytes
    if (total > limits.maxTotalBytes) throw archiveTooLarge(`${limits.maxTotalBytes} bytes`)
    const special = specialOf(entry.externalFileAttributes >>> 16)
    const isRead = special === null && numBytes <= limits.maxFileBytes
    await onEntry({ path, numBytes, special, content: isRead ? await contentOf(file, entry) : null })
  }
}

// The upper half of the external attributes is the mode that Unix knows, or nothing.
function specialOf(mode: number): ArchiveEntry['special'] {
  const kind = mode & 0o170000
  if (kind === 0o120000) return 'symlink'
  return kind === 0 || kind === 0o100000 || kind === 0o040000 ? null : 'special_file'
}

// The library stops where more comes out than the directory promised: a few kilobytes can inflate to gigabytes.
async function contentOf(file: ZipFile, entry: Entry): Promise<Buffer> {
  const pieces: Buffer[] = []
  const stream: AsyncIterable<Buffer> = await file.openReadStreamPromise(entry)
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}
