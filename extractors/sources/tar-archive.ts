import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { systemCodeOf } from '../../pipelines/core/errors.ts'
import { archiveTooLarge, archiveUnreadable } from './archive-entry.ts'
import type { ArchiveEntry, ArchiveLimits } from './archive-entry.ts'

/**
 * Hands on the entries of a gzip-compressed tar archive one after the other: the formats ustar, pax and GNU
 * (https://www.gnu.org/software/tar/manual/html_node/Standard.html, POSIX.1-2017 pax). Nothing is written and no name followed.
 */
export async function readTarGz(
  path: string,
  limits: ArchiveLimits,
  onEntry: (entry: ArchiveEntry) => Promise<void>,
): Promise<void> {
  try {
    await pipeline(createReadStream(path), createGunzip(), async (bytes: AsyncIterable<Buffer>) => {
      for await (const entry of entriesOf(bytes, limits)) await onEntry(entry)
    })
  } catch (error) {
    if (systemCodeOf(error)?.startsWith('Z_') === true) throw archiveUnreadable('it is no gzip file, or is cut short')
    throw error
  }
}

const BLOCK = 512

async function* entriesOf(bytes: AsyncIterable<Buffer>, limits: ArchiveLimits): AsyncGenerator<ArchiveEntry> {
  const reader = blockReader(bytes, limits.maxTotalBytes)
  let overrides: { path?: string; size?: number } = {}
  for (let count = 0; ; count += 1) {
    const block = await reader.take(BLOCK)
    // Two empty blocks and padding end an archive; what follows is read as well, so that the file is known to be whole.
    if (block === null || block.every((byte) => byte === 0)) return reader.drain()
    if (count > 2 * limits.maxEntries) throw archiveTooLarge(`${limits.maxEntries} files`)
    const header = readHeader(block)
    const size = overrides.size ?? header.size
    const isMeta = 'LKxg'.includes(header.type)
    const content = await reader.content(size, isMeta ? MAX_META_BYTES : limits.maxFileBytes)
    if (header.type === 'x') overrides = { ...overrides, ...paxOverrides(content) }
    else if (header.type === 'L') overrides = { ...overrides, path: cString(content ?? Buffer.alloc(0)) }
    if (isMeta) continue
    const path = overrides.path ?? header.path
    overrides = {}
    const special = SPECIAL[header.type]
    if (header.type === FOLDER || special === undefined) continue
    yield { path, numBytes: size, special, content: special === null ? content : null }
  }
}

const FOLDER = '5'
// Contiguous files ('7') are ordinary ones; what is no kind that POSIX names is passed over.
const SPECIAL: Record<string, ArchiveEntry['special']> = {
  '0': null,
  '\0': null,
  '7': null,
  '1': 'symlink',
  '2': 'symlink',
  '3': 'special_file',
  '4': 'special_file',
  '6': 'special_file',
}
const MAX_META_BYTES = 1_000_000

function readHeader(block: Buffer): { path: string; size: number; type: string } {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
  if (sum !== octal(block.subarray(148, 156))) throw archiveUnreadable('a header of the tar file is damaged')
  const isUstar = block.toString('latin1', 257, 262) === 'ustar'
  const isPosix = isUstar && block[262] === 0
  const prefix = isPosix ? cString(block.subarray(345, 500)) : ''
  const name = cString(block.subarray(0, 100))
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    size: sizeOf(block.subarray(124, 136)),
    type: block.toString('latin1', 156, 157),
  }
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end)
}

function octal(bytes: Buffer): number {
  const text = bytes.toString('latin1').replaceAll('\0', ' ').trim()
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : 0
}

// GNU writes sizes from 8 GiB as a binary number behind a set bit.
function sizeOf(bytes: Buffer): number {
  if (((bytes[0] ?? 0) & 0x80) === 0) return octal(bytes)
  const value = bytes.subarray(1).reduce((total, byte) => total * 256 + byte, 0)
  return Number.isSafeInteger(value) ? value : Number.MAX_SAFE_INTEGER
}

// Records of a pax header: `<length> <key>=<value>\n`, the length counting the whole record.
function paxOverrides(header: Buffer | null): { path?: string; size?: number } {
  const content = header ?? Buffer.alloc(0)
  const found: { path?: string; size?: number } = {}
  for (let at = 0; at < content.length;) {
    const length = Number.parseInt(content.toString('latin1', at, at + 20), 10)
    if (!(length > 3)) break
    const record = content.toString('utf8', at, at + length - 1).replace(/^\d+ /, '')
    const equals = record.indexOf('=')
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)]
    if (key === 'path') found.path = value
    if (key === 'size' && /^\d{1,15}$/.test(value)) found.size = Number(value)
    at += length
  }
  return found
}

interface BlockReader {
  /** The next bytes, or null where there are no more. */
  take(size: number): Promise<Buffer | null>
  /** The content of an entry with its padding passed over; null where it is larger than `limit`. */
  content(size: number, limit: number): Promise<Buffer | null>
  /** Passes over all that is left. */
  drain(): Promise<void>
}

function blockReader(bytes: AsyncIterable<Buffer>, maxTotalBytes: number): BlockReader {
  const chunks = bytes[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  let total = 0

  async function more(): Promise<boolean> {
    const next = await chunks.next()
    if (next.done === true) return false
    total += next.value.length
    if (total > maxTotalBytes) throw archiveTooLarge(`${maxTotalBytes} bytes`)
    rest = next.value
    return true
  }
  // Gives what it passes to `keep`; false where the archive ends before.
  async function pass(size: number, keep: (piece: Buffer) => void): Promise<boolean> {
    for (let left = size; left > 0;) {
      if (rest.length === 0 && !(await more())) return false
      const piece = rest.subarray(0, left)
      keep(piece)
      left -= piece.length
      rest = rest.subarray(piece.length)
    }
    return true
  }
  return {
    async drain() {
      while (await more());
    },
    async take(size) {
      const pieces: Buffer[] = []
      return (await pass(size, (piece) => pieces.push(piece))) ? Buffer.concat(pieces) : null
    },
    async content(size, limit) {
      const pieces: Buffer[] = []
      const whole = await pass(size, (piece) => size <= limit && pieces.push(piece))
      const padding = (BLOCK - (size % BLOCK)) % BLOCK
      if (!whole || !(await pass(padding, () => undefined))) throw archiveUnreadable('it is cut short')
      return size <= limit ? Buffer.concat(pieces) : null
    },
  }
}
