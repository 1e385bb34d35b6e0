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

/** A program that runs while it is written to and read from. */
export interface RunningProcess {
  /** What it prints on its standard output, as it comes; reading slowly slows the program down. */
  readonly output: AsyncIterable<Buffer>
  /** Writes to its standard input and waits until there is room for more. */
  write(text: string): Promise<void>
  endInput(): void
  /** Ends it at once; `result` then says so. */
  stop(): void
  /** How it ended. `stdout` is empty: it went to `output`. */
  readonly result: Promise<ProcessResult>
}

/** Starts a program without a shell and leaves its standard input and output to the caller. */
export function startProcess(
  file: string,
  args: readonly string[],
  options: Omit<ProcessOptions, 'input' | 'maxOutput'> = {},
): RunningProcess {
  const child = execa(file, args, {
    ...commonSettings(options),
    buffer: { stdout: false, stderr: true },
    maxBuffer: 1_000_000,
    stdin: 'pipe',
  })
  // A program that ended early closes its input: its exit status tells, not the failed write.
  child.stdin.on('error', () => {})
  return {
    output: bytesOf(child.stdout),
    async write(text) {
      if (child.stdin.destroyed || child.stdin.write(text)) return
      await new Promise<void>((resolve) => {
        child.stdin.once('drain', resolve).once('close', resolve)
      })
    },
    endInput: () => child.stdin.end(),
    stop: () => child.kill('SIGKILL'),
    result: child.then((result) => toResult(result)),
  }
}

/** A program that is spoken to on descriptors of its own, so that nothing it prints can be taken for an answer. */
export interface DescriptorProcess {
  /** What it writes to descriptor 4, as it comes. */
  readonly output: AsyncIterable<Buffer>
  /** Writes to its descriptor 3 and waits until there is room for more. */
  write(text: string): Promise<void>
  endInput(): void
  /** The end of what it printed so far on standard output and error, at most 64 KiB: for people. */
  printed(): string
  /** Ends it and its whole process group at once. */
  stop(): void
  readonly result: Promise<ProcessResult>
}

/** Starts a program that reads descriptor 3 and writes descriptor 4, in a process group of its own: Ctrl-C does not reach it. */
export function startOnDescriptors(
  file: string,
  args: readonly string[],
  options: Omit<ProcessOptions, 'input' | 'maxOutput' | 'timeoutMs' | 'signal'>,
): DescriptorProcess {
  const child = execa(file, args, {
    ...commonSettings(options),
    buffer: false,
    detached: true,
    cleanup: false,
    stdio: ['ignore', 'pipe', 'pipe', { value: 'pipe', input: true }, 'pipe'],
  })
  const [, stdout, stderr, input, output] = child.stdio
  const printed = keepEnd([stdout, stderr])
  input.on('error', () => {})
  return {
    output: bytesOf(output),
    async write(text) {
      if (input.destroyed || input.write(text)) return
      await new Promise<void>((resolve) => {
        input.once('drain', resolve).once('close', resolve)
      })
    },
    endInput: () => input.end(),
    printed,
    stop: () => stopGroup(child.pid),
    result: child.then((result) => toResult(result)),
  }
}

/** Runs a program to its end without a shell. */
export async function runProcess(
  file: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const result = await execa(file, args, {
    ...commonSettings(options),
    stripFinalNewline: true,
    maxBuffer: options.maxOutput ?? 1_000_000,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
  })
  return toResult(result)
}

function keepEnd(streams: readonly Readable[]): () => string {
  let text = ''
  for (const stream of streams) {
    stream.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('utf8')).slice(-MAX_PRINTED)
    })
  }
  return () => text
}

const MAX_PRINTED = 64 * 1024

function stopGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

async function* bytesOf(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) if (Buffer.isBuffer(chunk)) yield chunk
}

function commonSettings(options: ProcessOptions) {
  return {
    reject: false,
    extendEnv: options.cleanEnvironment !== true,
    killSignal: 'SIGKILL',
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  } as const
}

interface RawResult {
  readonly failed: boolean
  readonly exitCode?: number | undefined
  readonly stdout?: unknown
  readonly stderr?: unknown
  readonly timedOut: boolean
  readonly code?: string | undefined
}

function toResult(result: RawResult): ProcessResult {
  return {
    ok: !result.failed,
    exitCode: result.exitCode ?? null,
    stdout: typeof result.stdout === 'string' ? result.stdout : '',
    stderr: typeof result.stderr === 'string' ? result.stderr : '',
    timedOut: result.timedOut,
    notFound: ['ENOENT', 'EACCES'].includes(String(result.code)),
  }
}
