import { basename } from 'node:path'
import { z } from 'zod'
import { CurateError } from '../../pipelines/core/errors.ts'
import type { ImportFormat, ImportedRow } from '../types.ts'
import { openBytes } from './file-bytes.ts'
import { readJson } from './json-text.ts'

const Options = z.strictObject({
  max_value_bytes: z
    .int()
    .positive()
    .default(16_000_000)
    .describe('Bytes of one value; a longer one is rejected and skipped, so that memory stays bounded'),
})

/** One JSON list of values, UTF-8; `.gz` files are unpacked while they are read. One value is in memory at a time. */
export const json: ImportFormat<z.infer<typeof Options>> = {
  id: 'json',
  version: 2,
  summary: 'One JSON list, one model output per value; also compressed with gzip',
  options: Options,
  async *read(path, { max_value_bytes }) {
    const name = basename(path)
    for await (const { row, bytes, isWhole } of splitValues(openBytes(path), path, max_value_bytes)) {
      if (!isWhole) yield { row, reason: 'truncated_file', detail: `${name} ends inside value ${row} of its list` }
      else if (bytes === null) yield tooLong(row, name, max_value_bytes)
      else yield readJson(row, bytes, name) ?? { row, reason: 'bad_json', detail: `${name}: value ${row} is empty` }
    }
  },
}

interface SplitValue {
  /** From 1. */
  readonly row: number
  /** Null above the limit: the bytes are dropped as they arrive. */
  readonly bytes: Buffer | null
  readonly isWhole: boolean
}

const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c]

/**
 * The texts of the values of a list. Only strings and brackets are understood here, so that a value that is no JSON costs
 * itself and not the rest of the file.
 */
async function* splitValues(chunks: AsyncIterable<Buffer>, path: string, maxBytes: number): AsyncGenerator<SplitValue> {
  const value = collector(maxBytes)
  let row = 0
  let depth = 0
  let inString = false
  let isEscaped = false
  let isOver = false
  for await (const chunk of chunks) {
    let start = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0
      if (depth === 0) {
        if (isSpace(byte)) continue
        if (isOver || byte !== OPEN_LIST) throw notAList(path, isOver)
        depth = 1
        start = at + 1
      } else if (inString) {
        if (isEscaped) isEscaped = false
        else if (byte === BACKSLASH) isEscaped = true
        else if (byte === QUOTE) inString = false
      } else if (byte === QUOTE) inString = true
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth += 1
      else if (depth === 1 && (byte === COMMA || byte === CLOSE_LIST)) {
        value.take(chunk.subarray(start, at))
        start = at + 1
        isOver = byte === CLOSE_LIST
        if (isOver) depth = 0
        // `[]` and `[1, ]`: nothing stands before the closing bracket.
        if (!isOver || !value.isBlank()) yield { row: (row += 1), bytes: value.finish(), isWhole: true }
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth = Math.max(1, depth - 1)
    }
    if (depth > 0) value.take(chunk.subarray(start))
  }
  if (depth > 0) yield { row: row + 1, bytes: null, isWhole: false }
  else if (!isOver) throw notAList(path, false)
}

function collector(maxBytes: number) {
  let pieces: Buffer[] = []
  let length = 0
  return {
    take(piece: Buffer): void {
      length += piece.length
      if (length > maxBytes) pieces = []
      else pieces.push(piece)
    },
    isBlank: () => length <= maxBytes && pieces.every((piece) => piece.every(isSpace)),
    finish(): Buffer | null {
      const bytes = length > maxBytes ? null : Buffer.concat(pieces)
      pieces = []
      length = 0
      return bytes
    },
  }
}

// White space of JSON, and the three bytes of a byte order mark, which some programs write.
function isSpace(byte: number): boolean {
  return [0x20, 0x0a, 0x0d, 0x09, 0xef, 0xbb, 0xbf].includes(byte)
}

function tooLong(row: number, name: string, maxBytes: number): ImportedRow {
  const detail = `value ${row} of ${name} has more than ${maxBytes} bytes; raise max_value_bytes of the import to read it`
  return { row, reason: 'value_too_long', detail }
}

function notAList(path: string, isOver: boolean): CurateError {
  const problem = isOver ? 'goes on after its list' : 'does not hold a JSON list'
  return new CurateError('unreadable_json', `${path} ${problem}`, {
    hint: 'A file with one value per line is read with `jsonl`; a file with one object must be made a list.',
  })
}
