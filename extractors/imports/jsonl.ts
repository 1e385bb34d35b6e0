import { basename } from 'node:path'
import { z } from 'zod'
import type { ImportFormat, ImportedRow } from '../types.ts'
import { openBytes } from './file-bytes.ts'
import { readJson } from './json-text.ts'

const Options = z.strictObject({
  max_line_bytes: z
    .int()
    .positive()
    .default(16_000_000)
    .describe('Bytes of one line; a longer one is rejected and skipped, so that memory stays bounded'),
})

/** One JSON value per line, UTF-8; `.gz` files are unpacked while they are read. Blank lines are no rows. */
export const jsonl: ImportFormat<z.infer<typeof Options>> = {
  id: 'jsonl',
  version: 2,
  summary: 'JSON lines, one model output each; also compressed with gzip',
  options: Options,
  async *read(path, { max_line_bytes }) {
    for await (const { line, bytes } of splitLines(openBytes(path), max_line_bytes)) {
      const read = readLine(line, bytes, { path, maxBytes: max_line_bytes })
      if (read !== null) yield read
    }
  },
}

const NEWLINE = 10

/** Lines with their numbers from 1; `bytes` is null for a line above the limit, whose bytes are dropped as they arrive. */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<{ line: number; bytes: Buffer | null }> {
  let line = 1
  let pieces: Buffer[] = []
  let length = 0

  function take(piece: Buffer): void {
    length += piece.length
    if (length > maxBytes) pieces = []
    else pieces.push(piece)
  }
  function finish(): { line: number; bytes: Buffer | null } {
    const finished = { line, bytes: length > maxBytes ? null : Buffer.concat(pieces) }
    line += 1
    pieces = []
    length = 0
    return finished
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end))
      yield finish()
      start = end + 1
    }
    take(chunk.subarray(start))
  }
  if (length > 0) yield finish()
}

function readLine(
  row: number,
  bytes: Buffer | null,
  { path, maxBytes }: { path: string; maxBytes: number },
): ImportedRow | null {
  if (bytes === null) {
    const detail = `${basename(path)}:${row} has more than ${maxBytes} bytes; raise max_line_bytes of the import to read it`
    return { row, reason: 'line_too_long', detail }
  }
  return readJson(row, bytes, basename(path))
}
