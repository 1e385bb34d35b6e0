import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../pipelines/core/atomic-file.ts'
import { hashOf } from '../pipelines/core/hash.ts'
import { ProgramFinding } from './protocol.ts'
import type { CheckRequest } from './protocol.ts'
import { findPython } from './python-environment.ts'
import { WorkerPool } from './worker-pool.ts'

/** A reference with its workloads, or an implementation, that is to be run before it is believed. */
export type CheckedProgram = Pick<CheckRequest, 'task' | 'candidate'>

/** Runs programs in the sandbox, on a processor, without judging them. Safe to call many times at once, it queues by itself. */
export interface ProgramChecker {
  /**
   * What speaks against a program; null for nothing. Throws only for a machine's failure. `device` is the fingerprint of what
   * programs run on: what was seen on another one is not remembered.
   */
  check(program: CheckedProgram, device: string): Promise<ProgramFinding | null>
  close(): Promise<void>
}

/** Named in rejects; raised by every change that sees something else. */
export const PROGRAM_CHECK = 'program-check@1'

/** Where checks are done and remembered. */
export interface ProgramCheckerOptions {
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
  precision: 'strict',
  seed: 0,
} as const

/** Opens a checker, which looks for Python and starts it when the first program is new to it. */
export function openProgramChecker(options: ProgramCheckerOptions): ProgramChecker {
  const { cacheFolder } = options
  let opened: Promise<WorkerPool> | null = null
  return {
    async check(program, device) {
      const key = hashOf({ version: PROGRAM_CHECK, device, settings: SETTINGS, ...program })
      const path = join(cacheFolder, 'program-checks', key.slice(0, 2), `${key}.json`)
      const known = await readKnown(path)
      if (known !== undefined) return known
      opened ??= openPool(options)
      const pool = await opened
      const finding = await pool.check({ ...program, settings: SETTINGS })
      await writeFileAtomic(path, `${JSON.stringify(finding)}\n`)
      return finding
    },
    async close() {
      const pool = await opened?.catch(() => null)
      await pool?.close()
    },
  }
}

async function openPool({ cacheFolder, signal }: ProgramCheckerOptions): Promise<WorkerPool> {
  const { python } = await findPython()
  return WorkerPool.open({ python, workers: null, cacheFolder, signal, onProcessor: true })
}

async function readKnown(path: string): Promise<ProgramFinding | null | undefined> {
  try {
    return ProgramFinding.nullable().parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    // Absent, or written by another version: looked at anew.
    return undefined
  }
}
