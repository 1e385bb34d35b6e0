import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

/** Where a line lies in a file, bytes. */
export interface LinePlace {
  readonly start: number
  readonly length: number
}

/** The lines of a file with their places, one in memory at a time; `isWhole`: whether its line break is there. */
export async function* linePlaces(
  path: string,
): AsyncGenerator<{ readonly place: LinePlace; readonly text: string; readonly isWhole: boolean }> {
  let rest: Buffer[] = []
  let start = 0
  let length = 0
  for await (const chunk of createReadStream(path)) {
    let from = 0
    const bytes = Buffer.from(chunk)
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
      rest.push(bytes.subarray(from, at))
      length += at - from
      yield { place: { start, length }, text: Buffer.concat(rest).toString('utf8'), isWhole: true }
      start += length + 1
      rest = []
      length = 0
      from = at + 1
    }
    rest.push(bytes.subarray(from))
    length += bytes.length - from
  }
  if (length > 0) yield { place: { start, length }, text: Buffer.concat(rest).toString('utf8'), isWhole: false }
}

const NEWLINE = 0x0a

/** The text of a line. */
export async function readPlace(file: FileHandle, { start, length }: LinePlace): Promise<string> {
  const bytes = Buffer.alloc(length)
  await file.read(bytes, 0, length, start)
  return bytes.toString('utf8')
}
