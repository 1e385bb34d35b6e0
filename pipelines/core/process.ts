import { execa } from 'execa'
import type { Readable } from 'node:stream'

/** Settings of a child process. */
export interface ProcessOptions {
  readonly cwd?: string
  /** Added to the environment, or, with `cleanEnvironment`, the whole of it. */
  readonly env?: Readonly<Record<string, string>>
  readonly cleanEnvironment?: boolean
  readonly input?: string | Uint8Array | Readable
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Characters kept of each output; the rest is cut. Default 1,000,000. */
  readonly maxOutput?: number
}

/** How a child process ended. A failure is a value: callers decide what it means. */
export interface ProcessResult {
  readonly ok: boolean
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly timedOut: boolean
  /** The program could not be started at all: not installed, not executable. */
  readonly notFound: boolean
}

/** Runs a program to its end without a shell. */
export async function runProcess(
  file: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const result = await execa(file, args, {
    reject: false,
    stripFinalNewline: true,
    extendEnv: options.cleanEnvironment !== true,
    maxBuffer: options.maxOutput ?? 1_000_000,
    killSignal: 'SIGKILL',
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  })
  return {
    ok: !result.failed,
    exitCode: result.exitCode ?? null,
    stdout: result.stdout ?? '',
    stderr: result.stderr ?? '',
    timedOut: result.timedOut,
    notFound: ['ENOENT', 'EACCES'].includes(String(result.code)),
  }
}
