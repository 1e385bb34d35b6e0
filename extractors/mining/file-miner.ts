import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { usableCores } from '../../pipelines/core/cluster-node.ts'
import type { Enabled } from '../../pipelines/core/plugin.ts'
import type { Language } from '../types.ts'
import { CurateError } from '../../pipelines/core/errors.ts'
import { MinedFile, refusedFile } from './file-mining.ts'

/** Searches files in threads of its own, many at a time. */
export interface FileMiner {
  /** How many files it has use for at a time. */
  readonly width: number
  /** Searches one file. A file that a thread dies of is refused, and nothing else suffers. */
  mine(path: string, content: Buffer | null): Promise<MinedFile>
  close(): Promise<void>
}

/** Starts no thread before there is a file for it. */
export function openFileMiner(
  languages: readonly Enabled<Language>[],
  threads: number = usableCores(),
  maxHeapMegabytes: number = MAX_HEAP_MEGABYTES,
): FileMiner {
  const workerData: WorkerSetup = languages.map(({ plugin, options }) => ({ id: plugin.id, options }))
  const idle: MiningThread[] = []
  const all = new Set<MiningThread>()
  const waiting: ((thread: MiningThread) => void)[] = []

  async function take(): Promise<MiningThread> {
    const free = idle.pop()
    if (free !== undefined) return free
    if (all.size < threads) {
      const thread = startThread(workerData, maxHeapMegabytes)
      all.add(thread)
      return thread
    }
    return new Promise((resolve) => waiting.push(resolve))
  }
  function giveBack(thread: MiningThread): void {
    const next = waiting.shift()
    if (next === undefined) idle.push(thread)
    else next(thread)
  }
  return {
    width: 2 * threads,
    async mine(path, content) {
      const thread = await take()
      const mined = await thread.mine(path, content)
      if (mined !== null) {
        giveBack(thread)
        return mined
      }
      all.delete(thread)
      const fresh = startThread(workerData, maxHeapMegabytes)
      all.add(fresh)
      giveBack(fresh)
      return refusedFile('too_hard_to_parse')
    },
    async close() {
      await Promise.all([...all].map((thread) => thread.stop()))
    },
  }
}

/** What a thread is told at its start: plug-ins cannot be sent, their names can. */
export const WorkerSetup = z.array(z.object({ id: z.string(), options: z.unknown() }))
export type WorkerSetup = z.infer<typeof WorkerSetup>

/** What a thread is asked. */
export const MiningRequest = z.object({ path: z.string(), content: z.instanceof(Uint8Array).nullable() })

/** What it answers: what it found, or what of this machine is broken. */
export const MiningAnswer = z.union([
  z.object({ mined: MinedFile }),
  z.object({ code: z.string(), message: z.string(), hint: z.string() }),
])
export type MiningAnswer = z.infer<typeof MiningAnswer>

interface MiningThread {
  /** Null where the thread died of the file. */
  mine(path: string, content: Buffer | null): Promise<MinedFile | null>
  stop(): Promise<void>
}

// A tree takes about a hundred times its text; what needs more than this is made to exhaust its readers.
const MAX_HEAP_MEGABYTES = 2048

function startThread(workerData: WorkerSetup, maxOldGenerationSizeMb: number): MiningThread {
  // The same name in the sources and in the built package.
  const file = new URL(`mining-thread${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(file, { workerData, resourceLimits: { maxOldGenerationSizeMb } })
  let settle: (answer: MiningAnswer | null) => void = () => {}
  worker.on('message', (message: unknown) => settle(MiningAnswer.parse(message)))
  worker.on('error', () => settle(null))
  worker.on('exit', () => settle(null))
  return {
    async mine(path, content) {
      const answer = await new Promise<MiningAnswer | null>((resolve) => {
        settle = resolve
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
        worker.postMessage({ path, content })
      })
      if (answer === null || 'mined' in answer) return answer?.mined ?? null
      throw new CurateError(answer.code, answer.message, { hint: answer.hint })
    },
    async stop() {
      await worker.terminate()
    },
  }
}
