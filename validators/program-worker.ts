import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { writeFileAtomic } from '../pipelines/core/atomic-file.ts'
import { hashOf } from '../pipelines/core/hash.ts'
import { CompiledProgram, ProgramFinding } from './protocol.ts'
import type { CheckRequest } from './protocol.ts'
import { findPython } from './python-environment.ts'
import { WorkerPool } from './worker-pool.ts'

/** A reference with its workloads, or an implementation, that is to be run before it is believed. */
export type CheckedProgram = Pick<CheckRequest, 'task' | 'candidate'>

/** What works on programs in the sandbox, on a processor, without judging them. Safe to call many times at once, it queues by itself. */
export interface ProgramWorker {
  /**
   * What speaks against a program; null for nothing. Throws only for a machine's failure. `device` is the fingerprint of what
   * programs run on: what was seen on another one is not remembered.
   */
  check(program: CheckedProgram, device: string): Promise<ProgramFinding | null>
  /** What TorchInductor writes for a task, on all its workloads. Throws and remembers as `check` does. */
  compile(task: CheckedProgram['task'], device: string): Promise<CompiledProgram>
  close(): Promise<void>
}

/** Named in rejects; raised by every change that sees something else. */
export const PROGRAM_CHECK = 'program-check@3'

/** The same for what TorchInductor is asked for. */
export const INDUCTOR = 'inductor@1'

/** Where it works, and what is remembered where. */
export interface ProgramWorkerOptions {
  /** Content-addressed folder of the work directory. */
  readonly cacheFolder: string
  readonly signal: AbortSignal
}

// A step of a reference takes longer only where its inputs are made for a GPU, and then its check says nothing.
const SETTINGS = {
  mode: 'screen',
  calls: 1,
  timeout_s: 10,
  timing_s: 1,
  build_timeout_s: 20,
  memory_bytes: 6_000_000_000,
  own_kernel: 'report',
  library_calls: 'allow',
  static_tags: 'report',
  backward: 'report',
  precision: 'strict',
  baselines: [],
  sanitizer_share: 0,
  seed: 0,
} as const

// What is imported is the same however long it takes, and a busy machine is no reason to believe it unseen.
const IMPORTING = { ...SETTINGS, timeout_s: 60 } as const

// The compiler alone takes seconds to be imported.
const COMPILING = { ...SETTINGS, timeout_s: 60, build_timeout_s: 180 } as const

/** Opens a worker, which looks for Python and starts it when the first program is new to it. */
export function openProgramWorker(options: ProgramWorkerOptions): ProgramWorker {
  const { cacheFolder } = options
  let opened: Promise<WorkerPool> | null = null
  const pool = (): Promise<WorkerPool> => {
    opened ??= openPool(options)
    return opened
  }
  return {
    async check(program, device) {
      const key = hashOf({ version: PROGRAM_CHECK, device, ...program, settings: SETTINGS })
      const question = { ...program, settings: program.candidate === null ? SETTINGS : IMPORTING }
      const path = join(cacheFolder, 'program-checks', key.slice(0, 2), `${key}.json`)
      return await remembered(path, ProgramFinding.nullable(), async () => (await pool()).check(question))
    },
    async compile(task, device) {
      const question = { task, settings: COMPILING }
      const key = hashOf({ version: INDUCTOR, device, ...question })
      const path = join(cacheFolder, 'compiled', key.slice(0, 2), `${key}.json`)
      return await remembered(path, CompiledProgram, async () => (await pool()).compile(question))
    },
    async close() {
      const known = await opened?.catch(() => null)
      await known?.close()
    },
  }
}

async function openPool({ cacheFolder, signal }: ProgramWorkerOptions): Promise<WorkerPool> {
  const { python } = await findPython()
  return WorkerPool.open({ python, workers: null, cacheFolder, signal, onProcessor: true, timesNothing: true })
}

async function remembered<Value>(path: string, schema: z.ZodType<Value>, ask: () => Promise<Value>): Promise<Value> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    // Absent, or written by another version: asked anew.
  }
  const value = await ask()
  await writeFileAtomic(path, `${JSON.stringify(value)}\n`)
  return value
}
