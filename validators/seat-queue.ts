import type { Question } from './judge-process.ts'
import { nextQuestion } from './question-order.ts'
import type { Waiting } from './question-order.ts'
import { isForSeat } from './seats.ts'
import type { Seat } from './seats.ts'
import { waitsForBuilds } from './wants-builds.ts'

/** Questions that wait for a seat: whichever becomes free takes the next one that may be asked there. */
export interface SeatQueue<Reply> {
  /**
   * The reply to a question, from any seat that is in use; with `otherThan` from one of another slot than that. Null where no such seat
   * is left.
   */
  ask(question: Question, otherThan: string | null): Promise<Reply | null>
  /** Fails all that still wait. */
  clear(reason: Error): void
}

type Turn<Reply> = Waiting & {
  readonly question: Question
  readonly otherThan: string | null
  readonly reply: PromiseWithResolvers<Reply | null>
}

/** What is done on a seat, which is busy until that has ended. */
export interface SeatWork<Reply> {
  /** Starts a judge where there is none. Never fails: what goes wrong there is for the question that is asked of it. */
  wake(seat: Seat): Promise<void>
  /** Asks the judge of a seat. */
  ask(seat: Seat, question: Question): Promise<Reply>
}

/**
 * A queue before seats. What a judge is asked first is chosen when it is ready, which takes seconds: of all that has come by then, and not
 * whatever came first.
 */
export function seatQueue<Reply>(seats: readonly Seat[], work: SeatWork<Reply>): SeatQueue<Reply> {
  const waiting: Turn<Reply>[] = []
  const waking = new Set<Seat>()
  // Without a judge, and asked all the same: whoever waits there is told why.
  const failed = new Set<Seat>()
  const begin = (seat: Seat, { question, reply }: Turn<Reply>): void => {
    seat.busy = true
    failed.delete(seat)
    const ended = work.ask(seat, question).finally(() => {
      seat.busy = false
      next()
    })
    ended.then(reply.resolve, reply.reject)
  }
  const wake = (seat: Seat): void => {
    seat.busy = true
    waking.add(seat)
    void work.wake(seat).finally(() => {
      seat.busy = false
      waking.delete(seat)
      if (seat.judge === null && waiting.length > 0) failed.add(seat)
      next()
    })
  }
  const next = (): void => {
    const isLost = ({ otherThan }: Turn<Reply>): boolean => !seats.some((seat) => isForSeat(seat, otherThan))
    for (const { reply } of takeOut(waiting, isLost)) reply.resolve(null)
    // Whoever is about to be ready takes one of them.
    while (waiting.length > waking.size) {
      const pair = nextPair(seats, waiting)
      if (pair === null) return
      const [seat, turn] = pair
      if (seat.judge === null && !failed.has(seat)) {
        wake(seat)
        continue
      }
      for (const passed of waiting.slice(0, waiting.indexOf(turn))) passed.numPassed += 1
      takeOut(waiting, (other) => other === turn)
      begin(seat, turn)
    }
  }
  return {
    ask(question, otherThan) {
      const waits = question.type === 'evaluate' && waitsForBuilds(question)
      const reply = Promise.withResolvers<Reply | null>()
      waiting.push({ question, otherThan, reply, taskId: question.task.id, waitsForBuilds: waits, numPassed: 0 })
      next()
      return reply.promise
    },
    clear(reason) {
      for (const { reply } of waiting.splice(0)) reply.reject(reason)
    },
  }
}

function nextPair<Reply>(seats: readonly Seat[], waiting: readonly Turn<Reply>[]): [Seat, Turn<Reply>] | null {
  const free = seats.filter(({ busy }) => !busy)
  const able = waiting.filter(({ otherThan }) => free.some((seat) => isForSeat(seat, otherThan)))
  const turn = able[nextQuestion(able, new Set(free.map(({ taskId }) => taskId)))]
  if (turn === undefined) return null
  const fit = free.filter((seat) => isForSeat(seat, turn.otherThan))
  const seat = fit.find(({ taskId }) => taskId === turn.taskId) ?? fit.find(({ judge }) => judge === null) ?? fit[0]
  return seat === undefined ? null : [seat, turn]
}

function takeOut<Item>(items: Item[], isWanted: (item: Item) => boolean): Item[] {
  const taken = items.filter(isWanted)
  items.splice(0, items.length, ...items.filter((item) => !taken.includes(item)))
  return taken
}
