import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { startOnDescriptors } from '../pipelines/core/process.ts'
import type { DescriptorProcess } from '../pipelines/core/process.ts'
import { readJsonLines } from './json-lines.ts'
import { machineFailure } from './machine-failure.ts'
import { Answer, Greeting } from './protocol.ts'
import type {
  CheckRequest,
  CompileRequest,
  CompiledProgram,
  Conversion,
  ConvertRequest,
  EvaluateRequest,
  JudgeOptions,
  JudgedRow,
  PrepareRequest,
  ProgramFinding,
  Ready,
  Seconds,
  SelfTiming,
  SettleRequest,
  TraceRequest,
  TracedGraph,
} from './protocol.ts'

/** What a judge can be asked. */
export type Question =
  | Omit<EvaluateRequest, 'nonce'>
  | Omit<CheckRequest, 'nonce'>
  | Omit<CompileRequest, 'nonce'>
  | Omit<ConvertRequest, 'nonce'>

/** How a request ended: with rows, with what was seen of a program, with a failure that the judge told, or with the loss of the judge. */
export type JudgeReply =
  | {
      readonly kind: 'rows'
      readonly rows: JudgedRow[]
      readonly seconds: Seconds
      readonly selfTimings: readonly SelfTiming[]
    }
  | { readonly kind: 'checked'; readonly finding: ProgramFinding | null }
  | { readonly kind: 'compiled'; readonly program: CompiledProgram }
  | { readonly kind: 'converted'; readonly conversion: Conversion }
  | JudgeFailure

/** The same of a request for a graph. */
type TraceReply = { readonly kind: 'traced'; readonly traced: TracedGraph } | JudgeFailure

type JudgeFailure =
  | { readonly kind: 'fault'; readonly code: string; readonly message: string }
  | { readonly kind: 'lost'; readonly message: string }

/** A judge that is ready. */
export interface Judge {
  readonly ready: Ready
  /** Asks one question at a time. Never throws: a judge that is lost says so, and must be replaced. */
  ask(request: Question, timeoutMs: number): Promise<JudgeReply>
  /** Has a reference traced; as `ask` otherwise. */
  trace(request: Omit<TraceRequest, 'nonce'>, timeoutMs: number): Promise<TraceReply>
  /** Announces a candidate. */
  announce(candidate: Omit<PrepareRequest, 'type'>): Promise<void>
  /** Waits until everything that was announced is built; false where it was not in time, or the judge was lost. */
  settle(timeoutMs: number): Promise<boolean>
  /** Ends it and everything below it: at once, or when it has put its things in order, which it gets `patienceMs` for. */
  stop(patienceMs?: number): Promise<void>
}

/** Starts a judge and waits until it has looked at its device. Throws a CurateError where it cannot work here. */
export async function startJudge(python: string, options: JudgeOptions): Promise<Judge> {
  const child = startOnDescriptors(python, ['-B', ENTRY, 'judge', JSON.stringify(options)], {
    env: environmentFor(options),
    cleanEnvironment: true,
    cwd: '/',
  })
  const lines = readJsonLines(child.output)
  try {
    const ready = await greet(child, lines)
    return {
      ready,
      ask: async (request, timeoutMs) => replyOf(await exchange(child, lines, request, timeoutMs)),
      trace: async (request, timeoutMs) => graphOf(await exchange(child, lines, request, timeoutMs)),
      announce: async (candidate) => {
        const message: PrepareRequest = { type: 'prepare', ...candidate }
        await child.write(`${JSON.stringify(message)}\n`)
      },
      settle: async (timeoutMs) => (await exchange(child, lines, { type: 'settle' }, timeoutMs)).type === 'settled',
      stop: (patienceMs = 0) => stop(child, lines, patienceMs),
    }
  } catch (error) {
    await stop(child, lines, 0)
    throw error
  }
}

const ENTRY = join(packageRoot, 'validators', 'worker', 'curate_worker', '__main__.py')
const START_MS = 300_000
const FIRST_LINE = {
  line: 'it sent something else than a greeting. ',
  garbled: 'it sent something else than a greeting. ',
  silent: 'it did not answer. ',
  ended: '',
}

async function greet(child: DescriptorProcess, lines: AsyncGenerator): Promise<Ready> {
  const line = await nextLine(lines, START_MS)
  const greeting = line.kind === 'line' ? Greeting.safeParse(line.value) : null
  if (greeting?.success === true && greeting.data.type === 'ready') return greeting.data
  const said = greeting?.success === true && greeting.data.type === 'failed' ? greeting.data : null
  if (said !== null) throw machineFailure(said.code, said.message)
  throw machineFailure('worker_unusable', `${FIRST_LINE[line.kind]}${lastLine(child.printed())}`)
}

type Lost = { readonly type: 'lost'; readonly message: string }

async function exchange(
  child: DescriptorProcess,
  lines: AsyncGenerator,
  request: Question | Omit<TraceRequest | SettleRequest, 'nonce'>,
  timeoutMs: number,
): Promise<Answer | Lost> {
  const nonce = randomBytes(16).toString('hex')
  await child.write(`${JSON.stringify({ ...request, nonce })}\n`)
  const line = await nextLine(lines, timeoutMs)
  if (line.kind !== 'line') return { type: 'lost', message: `${line.kind}: ${lastLine(child.printed())}` }
  const answer = Answer.safeParse(line.value)
  if (!answer.success) return { type: 'lost', message: `an answer of no known shape: ${answer.error.message}` }
  return answer.data.nonce === nonce ? answer.data : { type: 'lost', message: 'an answer to another request' }
}

function replyOf(answer: Answer | Lost): JudgeReply {
  if (answer.type === 'verdict') {
    const { rows, seconds, self_timings: selfTimings } = answer
    return { kind: 'rows', rows, seconds, selfTimings }
  }
  if (answer.type === 'compiled') {
    const { source, compiler, refusal } = answer
    return { kind: 'compiled', program: { source, compiler, refusal } }
  }
  if (answer.type === 'converted') {
    const { type: _, nonce: __, ...conversion } = answer
    return { kind: 'converted', conversion }
  }
  return answer.type === 'checked' ? { kind: 'checked', finding: answer.finding } : failureOf(answer)
}

function graphOf(answer: Answer | Lost): TraceReply {
  return answer.type === 'traced' ? { kind: 'traced', traced: answer } : failureOf(answer)
}

function failureOf(answer: Answer | Lost): JudgeFailure {
  if (answer.type === 'fault') return { kind: 'fault', code: answer.code, message: answer.message }
  return { kind: 'lost', message: answer.type === 'lost' ? answer.message : 'an answer to another request' }
}

type Line = { readonly kind: 'line'; readonly value: unknown } | { readonly kind: 'ended' | 'silent' | 'garbled' }

async function nextLine(lines: AsyncGenerator, timeoutMs: number): Promise<Line> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<Line>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'silent' }), timeoutMs)
  })
  try {
    return await Promise.race([readLine(lines), silence])
  } finally {
    clearTimeout(timer)
  }
}

async function readLine(lines: AsyncGenerator): Promise<Line> {
  try {
    const next = await lines.next()
    return next.done === true ? { kind: 'ended' } : { kind: 'line', value: next.value }
  } catch {
    return { kind: 'garbled' }
  }
}

async function stop(child: DescriptorProcess, lines: AsyncGenerator, patienceMs: number): Promise<void> {
  child.endInput()
  // Nobody reads on, and a process counts as ended only when its output has been read or thrown away.
  void lines.return(undefined)
  const killer = setTimeout(() => child.stop(), patienceMs)
  await child.result
  clearTimeout(killer)
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}

// Only what Python and the CUDA libraries need to be found: tokens and passwords of the user stay here.
function environmentFor(options: JudgeOptions): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const gpu = options.device === 'cuda' ? { CUDA_VISIBLE_DEVICES: options.slot } : {}
  return { ...Object.fromEntries(passed), LANG: 'C.UTF-8', PYTHONHASHSEED: '0', ...gpu }
}

const FOR_PYTHON = ['PATH', 'HOME', 'TMPDIR', 'PYTHONPATH', 'LD_LIBRARY_PATH', 'CUDA_HOME', 'CUDA_PATH']
// Where Triton looks for the driver, its assembler and a C compiler.
const FOR_TRITON = ['TRITON_LIBCUDA_PATH', 'TRITON_PTXAS_PATH', 'CC']
const PASSED_ON = [...FOR_PYTHON, ...FOR_TRITON]
