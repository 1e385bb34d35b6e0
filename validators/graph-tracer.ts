import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../pipelines/core/atomic-file.ts'
import { usableCores } from '../pipelines/core/cluster-node.ts'
import { hashOf } from '../pipelines/core/hash.ts'
import { installedPackages } from './installed-packages.ts'
import { startJudge } from './judge-process.ts'
import type { Judge } from './judge-process.ts'
import { isWorthAnotherTry, machineFailure } from './machine-failure.ts'
import type { TracedGraph } from './protocol.ts'
import { findPython } from './python-environment.ts'

/** The tracer's name with version: raised by every change that gives another fingerprint for the same reference. */
export const TRACER = 'graph@1'

const TracedReference = z.object({
  /** `graph@1/torch2.13/…`: equal for references that compute the same, shapes aside, under one version of both; null for none. */
  graph: z.string().nullable(),
  /** Why there is none, in UPPER_CASE: `VALUE_DEPENDENT`, `REF_TIMEOUT`, …; null where there is one. */
  cause: z.string().nullable(),
  detail: z.string().nullable(),
})
export type TracedReference = z.infer<typeof TracedReference>

/** Traces references into graphs; nothing is computed for it, and what is traced runs in the validator's sandbox. */
export interface GraphTracer {
  /** How many references it works on at the same time. */
  readonly concurrency: number
  /** Throws only for a machine's failure. */
  trace(reference: string): Promise<TracedReference>
  close(): Promise<void>
}

/** Where a tracer remembers, and until when it works. */
export interface TracerOptions {
  readonly cacheFolder: string
  readonly signal: AbortSignal
}

/** Opens the tracer of this machine. What it traced once it knows; its processes start for the first reference that it does not. */
export async function openGraphTracer({ cacheFolder, signal }: TracerOptions): Promise<GraphTracer> {
  const { python } = await findPython()
  const version = (await installedPackages(python)).get('torch')?.version ?? 'unknown'
  const seats = Array.from({ length: Math.max(1, Math.floor(usableCores() / 2)) }, () => openSeat(python, cacheFolder))
  const seating = openSeating(seats)
  const running = new Map<string, Promise<TracedReference>>()

  async function traceOnSeat(reference: string): Promise<TracedReference> {
    const seat = await seating.take()
    const abort = (): void => void seat.close()
    signal.addEventListener('abort', abort, { once: true })
    try {
      signal.throwIfAborted()
      const { graph, cause, detail } = await seat.trace(reference)
      return { graph: graph === null ? null : `${TRACER}/torch${minorOf(version)}/${graph}`, cause, detail }
    } finally {
      signal.removeEventListener('abort', abort)
      seating.giveBack(seat)
    }
  }
  async function traceOnce(reference: string, path: string): Promise<TracedReference> {
    const known = await readTraced(path)
    if (known !== null) return known
    const traced = await traceOnSeat(reference)
    await writeFileAtomic(path, `${JSON.stringify(traced)}\n`)
    return traced
  }
  return {
    concurrency: seats.length,
    async trace(reference) {
      if (reference.trim() === '' || reference.length > MAX_CHARACTERS) return NO_REFERENCE
      const key = hashOf({ tracer: TRACER, torch: version, reference })
      const path = join(cacheFolder, 'graphs', key.slice(0, 2), `${key}.json`)
      const started = running.get(key) ?? traceOnce(reference, path)
      running.set(key, started)
      return started.finally(() => running.delete(key))
    },
    async close() {
      await Promise.all(seats.map((seat) => seat.close()))
    },
  }
}

const LIMITS = { timeout_s: 60, memory_bytes: 8_000_000_000 }
// The process that traces ends what takes too long; this is for one that hangs itself, and for what it loads first.
const PATIENCE_MS = 1000 * (LIMITS.timeout_s + 240)
const MAX_CHARACTERS = 4_000_000
const NO_REFERENCE = { graph: null, cause: 'NO_REFERENCE', detail: 'there is no reference, or megabytes of it' }

/** A place for one process; one that is lost is replaced once for each reference. */
function openSeat(python: string, cacheFolder: string) {
  let judge: Judge | null = null
  async function close(): Promise<void> {
    const present = judge
    judge = null
    await present?.stop()
  }
  async function ask(reference: string) {
    judge ??= await startJudge(python, { device: 'cpu', slot: 'cpu', cache_folder: cacheFolder, threads: 1 })
    const reply = await judge.trace({ type: 'trace', reference, ...LIMITS }, PATIENCE_MS)
    if (reply.kind !== 'traced') await close()
    return reply
  }
  return {
    close,
    async trace(reference: string): Promise<TracedGraph> {
      const first = await ask(reference)
      if (first.kind === 'traced') return first.traced
      if (first.kind === 'fault' && !isWorthAnotherTry(first.code)) throw machineFailure(first.code, first.message)
      const second = await ask(reference)
      if (second.kind === 'traced') return second.traced
      throw machineFailure(second.kind === 'fault' ? second.code : 'worker_lost', second.message)
    },
  }
}

/** Seats that are taken one by one; who finds none waits for the next. */
function openSeating<Seat>(seats: readonly Seat[]) {
  const free = [...seats]
  const waiting: ((seat: Seat) => void)[] = []
  return {
    take: (): Promise<Seat> => {
      const seat = free.pop()
      return seat === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(seat)
    },
    giveBack(seat: Seat): void {
      const next = waiting.shift()
      if (next === undefined) free.push(seat)
      else next(seat)
    },
  }
}

// `2.13.0+cpu`: builds and repairs of one version trace alike.
function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

async function readTraced(path: string): Promise<TracedReference | null> {
  try {
    return TracedReference.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return null
  }
}
