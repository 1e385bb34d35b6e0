import PQueue from 'p-queue'
import { usableCores } from '../pipelines/core/cluster-node.ts'
import { CurateError } from '../pipelines/core/errors.ts'
import { devicePeaks } from '../pipelines/core/device-peaks.ts'
import { BASELINES } from '../pipelines/core/records/evaluation.ts'
import { isWorthAnotherTry, machineFailure } from './machine-failure.ts'
import { CONTROL, isControlPassed } from './control.ts'
import { listGpus } from './gpu-list.ts'
import { startJudge } from './judge-process.ts'
import type { Judge, JudgeReply, Question } from './judge-process.ts'
import type { CheckRequest, CompiledProgram, EvaluateRequest, JudgeOptions, ProgramFinding } from './protocol.ts'
import type { ValidatorWarning } from './types.ts'
import { wantsBuilds } from './wants-builds.ts'

/** What a pool is made of. */
export interface PoolOptions {
  readonly python: string
  /** Judges at a time; null for up to six per GPU, or one per two cores. */
  readonly workers: number | null
  readonly cacheFolder: string
  readonly signal: AbortSignal
  /** Whether judges leave a GPU alone that is there. */
  readonly onProcessor?: boolean
}

type Evaluation = Omit<EvaluateRequest, 'type' | 'nonce'>
type Check = Omit<CheckRequest, 'type' | 'nonce'>

/** The rows of a question, and where its time went. */
type Judged = Extract<JudgeReply, { kind: 'rows' }>
type Answered = Extract<JudgeReply, { kind: 'rows' | 'checked' | 'compiled' }>

/** A place for one judge, with the judge that sits there, if any, and the task whose reference it holds. */
interface Seat {
  readonly options: JudgeOptions
  judge: Judge | null
  taskId: string | null
  busy: boolean
}

/**
 * Judges, one per device slot, started when there is something for them to do. Questions queue; one about a task goes to the
 * judge that knows the task already, if it is free. A judge that dies is replaced, shown that the machine still works by a
 * kernel known to be right, and asked once more.
 */
export class WorkerPool {
  readonly #python: string
  readonly #signal: AbortSignal
  readonly #seats: readonly Seat[]
  readonly #queue: PQueue
  readonly #announced: Evaluation[] = []
  readonly #warnings = new Map<string, ValidatorWarning>()
  readonly #warned = new Set<string>()
  #isClosed = false

  static async open(options: PoolOptions): Promise<WorkerPool> {
    return new WorkerPool(options, await planSeats(options))
  }

  private constructor(options: PoolOptions, seats: readonly Seat[]) {
    this.#python = options.python
    this.#signal = options.signal
    this.#seats = seats
    this.#queue = new PQueue({ concurrency: seats.length })
  }

  /** How many questions are worked on at the same time. */
  get size(): number {
    return this.#seats.length
  }

  /** Announces questions; judges build ahead what their candidates want, a few at a time. */
  prepare(questions: readonly Evaluation[]): void {
    this.#announced.push(...questions.filter(wantsBuilds))
  }

  /** The rows of one candidate. Throws a CurateError for what is the machine's failure. */
  async evaluate(question: Evaluation): Promise<Judged> {
    const answer = await this.#queue.add(() => this.#onFreeSeat({ type: 'evaluate', ...question }))
    if (answer.kind !== 'rows') throw machineFailure('worker_lost', 'it answered another question')
    return answer
  }

  /** What speaks against one program; null for nothing. Throws a CurateError for what is the machine's failure. */
  async check(question: Check): Promise<ProgramFinding | null> {
    const answer = await this.#queue.add(() => this.#onFreeSeat({ type: 'check', ...question }))
    if (answer.kind !== 'checked') throw machineFailure('worker_lost', 'it answered another question')
    return answer.finding
  }

  /** What TorchInductor writes for a task. Throws a CurateError for what is the machine's failure. */
  async compile(question: Omit<Check, 'candidate'>): Promise<CompiledProgram> {
    const answer = await this.#queue.add(() => this.#onFreeSeat({ type: 'compile', ...question, candidate: null }))
    if (answer.kind !== 'compiled') throw machineFailure('worker_lost', 'it answered another question')
    return answer.program
  }

  /** What is to be known of the machine and was not taken yet. */
  takeWarnings(): ValidatorWarning[] {
    const fresh = [...this.#warnings].filter(([slot]) => !this.#warned.has(slot))
    for (const [slot] of fresh) this.#warned.add(slot)
    return fresh.map(([, warning]) => warning)
  }

  /** Ends all judges. Questions that wait for an answer fail with an error; none starts a judge again. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#queue.clear()
    await Promise.all(this.#seats.map((seat) => dismiss(seat, PATIENCE_MS)))
  }

  async #onFreeSeat(question: Question): Promise<Answered> {
    this.#signal.throwIfAborted()
    const free = this.#seats.filter(({ busy }) => !busy)
    const seat =
      free.find(({ taskId }) => taskId === question.task.id) ?? free.find(({ judge }) => judge === null) ?? free[0]
    if (seat === undefined) throw new TypeError('more questions than seats')
    seat.busy = true
    const dismissNow = (): void => void dismiss(seat)
    this.#signal.addEventListener('abort', dismissNow, { once: true })
    try {
      return await this.#askTwice(seat, question)
    } finally {
      this.#signal.removeEventListener('abort', dismissNow)
      seat.busy = false
    }
  }

  async #askTwice(seat: Seat, question: Question): Promise<Answered> {
    const first = await this.#ask(seat, question)
    if (isAnswered(first)) return first
    this.#signal.throwIfAborted()
    if (first.kind === 'fault' && !isWorthAnotherTry(first.code)) throw machineFailure(first.code, first.message)
    await dismiss(seat)
    if (!isControlPassed(await this.#ask(seat, { type: 'evaluate', ...CONTROL })))
      throw machineFailure('worker_lost', first.message)
    const second = await this.#ask(seat, question)
    if (isAnswered(second)) return second
    this.#signal.throwIfAborted()
    await dismiss(seat)
    throw second.kind === 'fault'
      ? machineFailure(second.code, second.message)
      : machineFailure('worker_lost', second.message)
  }

  async #startJudge({ options }: Seat): Promise<Judge> {
    const judge = await startJudge(this.#python, options)
    const { gpu_unusable } = judge.ready
    if (gpu_unusable !== null) this.#warnings.set(options.slot, gpuWarning(options.slot, gpu_unusable))
    if (!this.#isClosed) return judge
    await judge.stop(0)
    throw closedMeanwhile()
  }

  async #ask(seat: Seat, question: Question): Promise<JudgeReply> {
    if (this.#isClosed) throw closedMeanwhile()
    seat.judge ??= await this.#startJudge(seat)
    seat.taskId = question.task.id
    for (const { candidate, settings } of this.#announced.splice(0, ANNOUNCED_PER_THREAD * seat.options.threads)) {
      await seat.judge.announce({ candidate, settings })
    }
    const reply = await seat.judge.ask(question, longestWait(question))
    if (reply.kind === 'lost') await dismiss(seat)
    return reply
  }
}

const PATIENCE_MS = 3000

function isAnswered(reply: JudgeReply): reply is Answered {
  return reply.kind === 'rows' || reply.kind === 'checked' || reply.kind === 'compiled'
}

// Only seen by questions that nobody waits for any more, since something else ended the run.
function closedMeanwhile(): CurateError {
  const advice = { hint: 'Run the same command again: what was judged is kept.', retryable: true }
  return new CurateError('validator_closed', 'the validator was closed before it answered', advice)
}

// With every question some more: a judge shall neither run out of them nor have them all when there are others.
const ANNOUNCED_PER_THREAD = 2

// While one times, alone on the device, the others start processes and compile. Each of those takes 1.5 GB of the GPU.
const JUDGES_PER_GPU = 6

async function planSeats(options: PoolOptions): Promise<Seat[]> {
  const cores = usableCores()
  const gpus = options.onProcessor === true ? [] : await listGpus()
  if (gpus.length > 0) {
    const count = options.workers ?? gpus.length * Math.max(1, Math.min(JUDGES_PER_GPU, Math.floor(cores / 2)))
    const threads = Math.max(1, Math.floor(cores / count))
    return Array.from({ length: count }, (_, index) => {
      const gpu = gpus[index % gpus.length]
      return seatFor(options, 'cuda', gpu?.uuid ?? '', threads, devicePeaks(gpu?.name ?? ''))
    })
  }
  const count = options.workers ?? Math.max(1, Math.floor(cores / 2))
  const threads = Math.max(1, Math.floor(cores / count))
  return Array.from({ length: count }, () => seatFor(options, 'cpu', 'cpu', threads))
}

function seatFor(
  options: PoolOptions,
  device: JudgeOptions['device'],
  slot: string,
  threads: number,
  peaks: JudgeOptions['peaks'] = null,
): Seat {
  return {
    options: { device, slot, cache_folder: options.cacheFolder, threads, peaks },
    judge: null,
    taskId: null,
    busy: false,
  }
}

async function dismiss(seat: Seat, patienceMs = 0): Promise<void> {
  const { judge } = seat
  seat.judge = null
  seat.taskId = null
  await judge?.stop(patienceMs)
}

// Every step of a judge has a limit of its own; this one only catches a judge that hangs itself. The steps are: a handful of
// builds, per workload a few dozen calls of reference and candidate, and baselines that are compiled.
function longestWait({ task, settings }: Question): number {
  const workloads = Math.max(1, task.workloads.length)
  const steps = (8 * settings.calls + 60) * workloads
  const timed = workloads * (1 + (settings.baselines ?? BASELINES).length)
  const building = (4 + timed) * settings.build_timeout_s
  return 1000 * (120 + building + steps * settings.timeout_s + timed * settings.timing_s)
}

function gpuWarning(slot: string, reason: string): ValidatorWarning {
  return {
    message: `the GPU ${slot} cannot be used, so candidates are judged as on a machine without one: ${reason}`,
    hint: 'Run `curate doctor`. PyTorch must be a CUDA build that fits the driver.',
  }
}
