import { CurateError } from '../pipelines/core/errors.ts'
import { announcements } from './announcements.ts'
import type { Announcements } from './announcements.ts'
import { isWorthAnotherTry, machineFailure } from './machine-failure.ts'
import { CONTROL, isControlPassed } from './control.ts'
import { drainWarning, unsteadyWarning } from './device-warnings.ts'
import { gpuEvidence } from './gpu-evidence.ts'
import type { JudgeReply, Question } from './judge-process.ts'
import { judgeStarts } from './judge-starts.ts'
import type { JudgeStarts } from './judge-starts.ts'
import type { CheckRequest, CompiledProgram, Conversion, EvaluateRequest, ProgramFinding } from './protocol.ts'
import { longestWait } from './longest-wait.ts'
import { seatQueue } from './seat-queue.ts'
import type { SeatQueue } from './seat-queue.ts'
import { dismiss, planSeats } from './seats.ts'
import type { Seat, SeatOptions } from './seats.ts'
import { certified, forSecondGpu } from './second-gpu.ts'
import type { CertifiedRow } from './second-gpu.ts'
import { soleUse } from './sole-use.ts'
import type { SoleUse } from './sole-use.ts'
import type { ValidatorWarning } from './types.ts'

/** What a pool is made of. */
export interface PoolOptions extends SeatOptions {
  readonly python: string
  readonly signal: AbortSignal
}

type Evaluation = Omit<EvaluateRequest, 'type' | 'nonce'>
type Check = Omit<CheckRequest, 'type' | 'nonce'>

/** The rows of a question, and where its time went. */
type Judged = Omit<Extract<JudgeReply, { kind: 'rows' }>, 'rows'> & { readonly rows: readonly CertifiedRow[] }
type Answered = Extract<JudgeReply, { kind: 'rows' | 'checked' | 'compiled' | 'converted' }>
/** Its device was taken out of use, and nothing is known of the question. */
type Drained = { readonly kind: 'drained'; readonly reason: string }
/** Its GPU had too little memory for the question beside those of others. */
type Crowded = { readonly kind: 'crowded' }
/** An answer, and the device that it comes from. */
type FromSlot = Answered & { readonly slot: string }
type JudgedOn = Extract<FromSlot, { kind: 'rows' }>

/**
 * Judges, one per device slot, started when there is something for them to do. Questions queue; one about a task goes to the
 * judge that knows the task already, if it is free. A judge that dies is replaced, shown that the machine still works by a
 * kernel known to be right, and asked once more. A GPU on which that fails is drained: what was asked of it is asked elsewhere.
 */
export class WorkerPool {
  readonly #signal: AbortSignal
  readonly #seats: readonly Seat[]
  readonly #queue: SeatQueue<FromSlot | Drained>
  readonly #announcements: Announcements
  readonly #starts: JudgeStarts
  readonly #uses = new Map<string, SoleUse>()
  readonly #warnings = new Map<string, ValidatorWarning>()
  readonly #warned = new Set<string>()
  #lastDrained = ''
  #isClosed = false

  static async open(options: PoolOptions): Promise<WorkerPool> {
    return new WorkerPool(options, await planSeats(options))
  }

  private constructor(options: PoolOptions, seats: readonly Seat[]) {
    this.#signal = options.signal
    this.#seats = seats
    this.#announcements = announcements(seats.length)
    this.#starts = judgeStarts(options.python, seats, {
      warn: (slot, warning) => this.#warnings.set(slot, warning),
      throwIfOver: () => this.#throwIfOver(),
    })
    this.#queue = seatQueue(seats, {
      wake: (seat) => this.#wake(seat),
      ask: (seat, question) => this.#onSeat(seat, question),
    })
  }

  /** How many questions are worked on at the same time. */
  get size(): number {
    return this.#seats.length
  }

  /** Announces questions; judges build ahead what their candidates want, a few at a time. */
  prepare(questions: readonly Evaluation[]): void {
    this.#announcements.add(questions)
  }

  /**
   * The rows of one candidate. What is accepted on a GPU in mode `certify` is judged on another one as well, where there is one. Throws a
   * CurateError for what is the machine's failure.
   */
  async evaluate(question: Evaluation): Promise<Judged> {
    const first = await this.#judge(question, null)
    if (first === null) throw machineFailure('device_unhealthy', this.#lastDrained)
    if (question.settings.mode !== 'certify') return first
    const isAnother = ({ options: { device, slot } }: Seat): boolean => device === 'cuda' && slot !== first.slot
    const again = (): Promise<JudgedOn | null> => this.#judge(forSecondGpu(question), first.slot)
    return { kind: 'rows', ...(await certified(first, this.#seats.some(isAnother) ? again : null)) }
  }

  /** What speaks against one program; null for nothing. Throws a CurateError for what is the machine's failure. */
  async check(question: Check): Promise<ProgramFinding | null> {
    const answer = await this.#anywhere({ type: 'check', ...question })
    if (answer.kind !== 'checked') throw machineFailure('worker_lost', 'it answered another question')
    return answer.finding
  }

  /** What TorchInductor writes for a task. Throws a CurateError for what is the machine's failure. */
  async compile(question: Omit<Check, 'candidate'>): Promise<CompiledProgram> {
    const answer = await this.#anywhere({ type: 'compile', ...question, candidate: null })
    if (answer.kind !== 'compiled') throw machineFailure('worker_lost', 'it answered another question')
    return answer.program
  }

  /** A candidate in form `device`, and the verdicts on both. Throws a CurateError for what is the machine's failure. */
  async convert(question: Evaluation): Promise<Conversion> {
    const answer = await this.#anywhere({ type: 'convert', ...question })
    if (answer.kind !== 'converted') throw machineFailure('worker_lost', 'it answered another question')
    return answer.conversion
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
    this.#queue.clear(closedMeanwhile())
    await Promise.all(this.#seats.map((seat) => dismiss(seat, PATIENCE_MS)))
  }

  async #judge(question: Evaluation, otherThan: string | null): Promise<JudgedOn | null> {
    const answer = await this.#answer({ type: 'evaluate', ...question }, otherThan)
    if (answer !== null && answer.kind !== 'rows') throw machineFailure('worker_lost', 'it answered another question')
    return answer
  }

  async #anywhere(question: Question): Promise<Answered> {
    const answer = await this.#answer(question, null)
    if (answer === null) throw machineFailure('device_unhealthy', this.#lastDrained)
    return answer
  }

  // A question that was the end of two devices is not shown to a third one. Null where none is left that is another one.
  async #answer(question: Question, otherThan: string | null): Promise<FromSlot | null> {
    const first = await this.#queue.ask(question, otherThan)
    if (first?.kind !== 'drained') return first
    const second = await this.#queue.ask(question, otherThan)
    if (second?.kind !== 'drained') return second
    throw machineFailure('device_unhealthy', second.reason)
  }

  async #onSeat(seat: Seat, question: Question): Promise<FromSlot | Drained> {
    this.#signal.throwIfAborted()
    const dismissNow = (): void => void dismiss(seat)
    this.#signal.addEventListener('abort', dismissNow, { once: true })
    try {
      const use = this.#useOf(seat)
      const first = await use.together(() => this.#askTwice(seat, question, true))
      const reply = first.kind === 'crowded' ? await use.alone(() => this.#askAlone(seat, question)) : first
      if (reply.kind === 'crowded') throw new TypeError('nobody else was there')
      return reply.kind === 'drained' ? reply : { ...reply, slot: seat.options.slot }
    } finally {
      this.#signal.removeEventListener('abort', dismissNow)
    }
  }

  // Tasks with gigabytes fit into a GPU, and not always beside what other judges have of theirs. What idle ones hold is free when
  // they have ended, and to start them anew takes longer than most candidates.
  async #askAlone(seat: Seat, question: Question): Promise<Answered | Drained | Crowded> {
    const beside = await this.#askTwice(seat, question, true)
    if (beside.kind !== 'crowded') return beside
    const there = this.#seats.filter((other) => isSameDevice(other, seat))
    await Promise.all(there.map((other) => dismiss(other, PATIENCE_MS)))
    return await this.#askTwice(seat, question, false)
  }

  #useOf({ options: { device, slot } }: Seat): SoleUse {
    const known = this.#uses.get(`${device} ${slot}`) ?? soleUse()
    this.#uses.set(`${device} ${slot}`, known)
    return known
  }

  async #askTwice(seat: Seat, question: Question, isBeside: boolean): Promise<Answered | Drained | Crowded> {
    const first = await this.#ask(seat, question)
    if (isAnswered(first)) return first
    this.#signal.throwIfAborted()
    const isFull = first.kind === 'fault' && first.code === 'device_out_of_memory'
    if (isBeside && isFull) return { kind: 'crowded' }
    if (first.kind === 'fault' && !isWorthAnotherTry(first.code)) throw machineFailure(first.code, first.message)
    await dismiss(seat)
    const control = await this.#ask(seat, { type: 'evaluate', ...CONTROL })
    if (!isControlPassed(control)) {
      this.#signal.throwIfAborted()
      if (isSick(control) || seat.options.device === 'cuda') return await this.#drain(seat, reasonOf(control))
      throw machineFailure('worker_lost', first.message)
    }
    // Who found too little memory when it was alone finds no more a second time on a GPU that works.
    const second = isFull ? first : await this.#ask(seat, question)
    if (isAnswered(second)) return second
    this.#signal.throwIfAborted()
    await dismiss(seat)
    if (isSick(second)) return await this.#drain(seat, second.message)
    throw second.kind === 'fault'
      ? machineFailure(second.code, second.message)
      : machineFailure('worker_lost', second.message)
  }

  // What is in hand on other seats of the GPU comes to its own end there; nothing else is asked of them.
  async #drain(seat: Seat, reason: string): Promise<Drained> {
    const { device, slot } = seat.options
    const gone = this.#seats.filter((other) => other === seat || (device === 'cuda' && isSameDevice(other, seat)))
    for (const other of gone) other.isDrained = true
    this.#lastDrained = reason
    await Promise.all(gone.filter((other) => other === seat || !other.busy).map((other) => dismiss(other)))
    const left = this.#seats.filter(({ isDrained }) => !isDrained).length
    const evidence = device === 'cuda' ? await gpuEvidence(slot) : []
    this.#warnings.set(`drained ${slot}`, drainWarning(slot, [reason, ...evidence].join('; '), left))
    return { kind: 'drained', reason }
  }

  // Each time that it changes, and not with every candidate.
  #noteSelfTimings({ options: { slot } }: Seat, { selfTimings }: Judged): void {
    for (const timing of selfTimings.filter(({ is_good }) => !is_good)) {
      this.#warnings.set(`unsteady ${slot} ${timing.ratio}`, unsteadyWarning(slot, timing))
    }
  }

  async #wake(seat: Seat): Promise<void> {
    if (!this.#isClosed && !this.#signal.aborted) await this.#useOf(seat).together(() => this.#starts.wake(seat))
  }

  #throwIfOver(): void {
    this.#signal.throwIfAborted()
    if (this.#isClosed) throw closedMeanwhile()
  }

  async #ask(seat: Seat, question: Question): Promise<JudgeReply> {
    if (this.#isClosed) throw closedMeanwhile()
    try {
      seat.judge ??= await this.#starts.start(seat)
    } catch (error) {
      if (!(error instanceof CurateError) || error.code !== 'device_unhealthy') throw error
      return { kind: 'fault', code: error.code, message: detailOf(error) }
    }
    seat.taskId = question.task.id
    const count = ANNOUNCED_PER_THREAD * seat.options.threads
    for (const { task, candidate, settings } of this.#announcements.beside(question, count)) {
      await seat.judge.announce({ task, candidate, settings })
    }
    const reply = await seat.judge.ask(question, longestWait(question))
    if (reply.kind === 'rows') this.#noteSelfTimings(seat, reply)
    if (reply.kind === 'lost') await dismiss(seat)
    return reply
  }
}

const PATIENCE_MS = 3000

function isSameDevice({ options: a }: Seat, { options: b }: Seat): boolean {
  return a.device === b.device && a.slot === b.slot
}

function isAnswered(reply: JudgeReply): reply is Answered {
  return reply.kind !== 'fault' && reply.kind !== 'lost'
}

function isSick(reply: JudgeReply): boolean {
  return reply.kind === 'fault' && reply.code === 'device_unhealthy'
}

function reasonOf(reply: JudgeReply): string {
  if (reply.kind === 'fault' || reply.kind === 'lost') return reply.message
  return 'a kernel known to be right was judged wrong'
}

// Without what `machineFailure` puts before it, which it will again.
function detailOf({ message }: CurateError): string {
  return message.slice(message.indexOf(': ') + 2)
}

// Only seen by questions that nobody waits for any more, since something else ended the run.
function closedMeanwhile(): CurateError {
  const advice = { hint: 'Run the same command again: what was judged is kept.', retryable: true }
  return new CurateError('validator_closed', 'the validator was closed before it answered', advice)
}

// With every question some more: a judge shall neither run out of them nor have them all when there are others.
const ANNOUNCED_PER_THREAD = 2
