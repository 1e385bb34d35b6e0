import { writeSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { linePlaces, readPlace } from './line-places.ts'
import type { LinePlace } from './line-places.ts'

/**
 * What was paid for and must never be paid for again: a file to which lines are only added. A line is with the operating system when
 * `append` returns, so that `kill -9` costs nothing, and on the disk when its promise is fulfilled, so that a power cut costs
 * nothing that anybody was told of.
 */
export interface AnswerLog {
  /** Whether a line of this kind is there for a key; of several the first counts. */
  has(kind: LineKind, key: string): boolean
  /** The value of a line; null where there is none. */
  read(kind: LineKind, key: string): Promise<unknown>
  append(kind: LineKind, key: string, value: unknown): Promise<void>
  /** Every line in order, with its value. */
  lines(): AsyncGenerator<{ readonly kind: LineKind; readonly key: string; readonly value: unknown }>
  /** Lines that cannot be read: damage on the disk. What they held is asked for again. */
  readonly numDamaged: number
  close(): Promise<void>
}

/**
 * `asked`: a question was sent. `answer`: it was answered. `refused`: no server gets through with it. `lost`: an attempt that took
 * tokens and gave no answer. `verdict`: what the validator said of a turn.
 */
const LINE_KINDS = ['asked', 'answer', 'refused', 'lost', 'verdict'] as const
export type LineKind = (typeof LINE_KINDS)[number]

const Line = z.strictObject({ kind: z.enum(LINE_KINDS), key: z.string(), value: z.unknown() })

/** Opens a log, and cuts off what a killed process left of its last line. */
export async function openAnswerLog(path: string): Promise<AnswerLog> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'a+')
  const places = new Map<string, LinePlace>()
  let numDamaged = 0
  let end = 0
  for await (const { place, text, isWhole } of linePlaces(path)) {
    if (!isWhole) break
    end = place.start + place.length + 1
    const line = parseLine(text)
    if (line === null) numDamaged += 1
    else if (!places.has(nameOf(line.kind, line.key))) places.set(nameOf(line.kind, line.key), place)
  }
  await file.truncate(end)
  const flush = openFlush(file)

  return {
    get numDamaged() {
      return numDamaged
    },
    has: (kind, key) => places.has(nameOf(kind, key)),
    async read(kind, key) {
      const place = places.get(nameOf(kind, key))
      return place === undefined ? null : (parseLine(await readPlace(file, place))?.value ?? null)
    },
    async append(kind, key, value) {
      const bytes = Buffer.from(`${JSON.stringify({ kind, key, value })}\n`)
      writeAll(file, bytes)
      const place = { start: end, length: bytes.length - 1 }
      end += bytes.length
      if (!places.has(nameOf(kind, key))) places.set(nameOf(kind, key), place)
      await flush()
    },
    async *lines() {
      for await (const { text, isWhole } of linePlaces(path)) {
        const line = isWhole ? parseLine(text) : null
        if (line !== null) yield { ...line, value: line.value }
      }
    },
    async close() {
      await flush()
      await file.close()
    },
  }
}

function nameOf(kind: LineKind, key: string): string {
  return `${kind} ${key}`
}

function parseLine(text: string): z.infer<typeof Line> | null {
  try {
    return Line.parse(JSON.parse(text))
  } catch {
    return null
  }
}

// At once and not later: what the server has charged for must not wait in the memory of a process that may be killed.
function writeAll(file: FileHandle, bytes: Buffer): void {
  for (let written = 0; written < bytes.length;) written += writeSync(file.fd, bytes, written)
}

// One fsync for all lines that were written while the one before was under way.
function openFlush(file: FileHandle): () => Promise<void> {
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  return async function flush() {
    if (running === null) {
      running = file.datasync().finally(() => (running = null))
      return running
    }
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null
        running = file.datasync().finally(() => (running = null))
        return running
      })
    return next
  }
}
