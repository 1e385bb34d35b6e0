import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { archiveTooLarge, archiveUnreadable } from './archive-entry.ts'
import type { ArchiveEntry, ArchiveLimits } from './archive-entry.ts'

/**
 * Hands on the entries of a zip archive, by its central directory (APPNOTE.TXT 6.3.10, 4.3.12). Stored and deflated files of archives
 * below 4 GiB; nothing is written and no name followed.
 */
export async function readZip(
  path: string,
  limits: ArchiveLimits,
  onEntry: (entry: ArchiveEntry) => Promise<void>,
): Promise<void> {
  const file = await open(path, 'r')
  try {
    let total = 0
    for (const item of await centralDirectory(file, limits.maxEntries)) {
      if (item.path.endsWith('/')) continue
      total += item.numBytes
      if (total > limits.maxTotalBytes) throw archiveTooLarge(`${limits.maxTotalBytes} bytes`)
      const isRead = item.special === null && item.numBytes <= limits.maxFileBytes
      const content = isRead ? await contentOf(file, item) : null
      await onEntry({ path: item.path, numBytes: item.numBytes, special: item.special, content })
    }
  } finally {
    await file.close()
  }
}

interface CentralItem extends Omit<ArchiveEntry, 'content'> {
  readonly method: number
  readonly numCompressed: number
  readonly offset: number
}

async function centralDirectory(file: FileHandle, maxEntries: number): Promise<CentralItem[]> {
  const { size } = await file.stat()
  // The comment behind the end record has at most 65,535 bytes.
  const tail = await readAt(file, Math.max(0, size - 65_557), Math.min(size, 65_557))
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  if (end === -1 || end + 22 > tail.length) throw archiveUnreadable('it is no zip file, or is cut short')
  const [count, length, offset] = [
    tail.readUInt16LE(end + 10),
    tail.readUInt32LE(end + 12),
    tail.readUInt32LE(end + 16),
  ]
  if (count > maxEntries) throw archiveTooLarge(`${maxEntries} files`)
  if (offset + length > size) throw archiveUnreadable('its directory lies outside of it')
  return itemsOf(await readAt(file, offset, length), count)
}

function itemsOf(directory: Buffer, count: number): CentralItem[] {
  const items: CentralItem[] = []
  for (let at = 0; items.length < count;) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== 0x02014b50) {
      throw archiveUnreadable('its directory is damaged')
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field))
    const nameEnd = at + 46 + (nameLength ?? 0)
    if ((directory.readUInt16LE(at + 8) & 1) !== 0) throw archiveUnreadable('it is encrypted')
    items.push({
      path: directory.toString('utf8', at + 46, nameEnd),
      numBytes: directory.readUInt32LE(at + 24),
      special: specialOf(directory.readUInt32LE(at + 38) >>> 16),
      method: directory.readUInt16LE(at + 10),
      numCompressed: directory.readUInt32LE(at + 20),
      offset: directory.readUInt32LE(at + 42),
    })
    at = nameEnd + (extraLength ?? 0) + (commentLength ?? 0)
  }
  return items
}

// The upper half of the external attributes is the mode that Unix knows, or nothing.
function specialOf(mode: number): ArchiveEntry['special'] {
  const kind = mode & 0o170000
  if (kind === 0o120000) return 'symlink'
  return kind === 0 || kind === 0o100000 || kind === 0o040000 ? null : 'special_file'
}

const inflate = promisify(inflateRaw)

async function contentOf(file: FileHandle, item: CentralItem): Promise<Buffer> {
  const header = await readAt(file, item.offset, 30)
  if (header.readUInt32LE(0) !== 0x04034b50) throw archiveUnreadable(`${JSON.stringify(item.path)} is damaged`)
  const start = item.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
  const stored = await readAt(file, start, item.numCompressed)
  const content = item.method === 0 ? stored : item.method === 8 ? await inflated(stored, item) : null
  if (content?.length === item.numBytes) return content
  throw archiveUnreadable(`${JSON.stringify(item.path)} is not what the directory says of it`)
}

// Never more than the directory promised: a few kilobytes can inflate to gigabytes.
async function inflated(stored: Buffer, { numBytes }: CentralItem): Promise<Buffer | null> {
  return inflate(stored, { maxOutputLength: Math.max(1, numBytes) }).catch(() => null)
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  // Before anything is reserved: a directory may claim gigabytes.
  if (position + length > (await file.stat()).size) throw archiveUnreadable('it is cut short')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  if (bytesRead < length) throw archiveUnreadable('it is cut short')
  return buffer
}
