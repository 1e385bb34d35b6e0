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

/** A queue before seats. `work` asks the judge of a seat, which is busy until that has ended. */
export function seatQueue<Reply>(
  seats: readonly Seat[],
  work: (seat: Seat, question: Question) => Promise<Reply>,
): SeatQueue<Reply> {
  const waiting: Turn<Reply>[] = []
  const begin = (seat: Seat, { question, reply }: Turn<Reply>): void => {
    seat.busy = true
    const ended = work(seat, question).finally(() => {
      seat.busy = false
      next()
    })
    ended.then(reply.resolve, reply.reject)
  }
  const next = (): void => {
    const isLost = ({ otherThan }: Turn<Reply>): boolean => !seats.some((seat) => isForSeat(seat, otherThan))
    for (const { reply } of takeOut(waiting, isLost)) reply.resolve(null)
    for (let pair = nextPair(seats, waiting); pair !== null; pair = nextPair(seats, waiting)) begin(...pair)
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

// Takes the question out of those that wait.
function nextPair<Reply>(seats: readonly Seat[], waiting: Turn<Reply>[]): [Seat, Turn<Reply>] | null {
  const free = seats.filter(({ busy }) => !busy)
  const able = waiting.filter(({ otherThan }) => free.some((seat) => isForSeat(seat, otherThan)))
  const turn = able[nextQuestion(able, new Set(free.map(({ taskId }) => taskId)))]
  if (turn === undefined) return null
  takeOut(waiting, (other) => other === turn)
  const fit = free.filter((seat) => isForSeat(seat, turn.otherThan))
  const seat = fit.find(({ taskId }) => taskId === turn.taskId) ?? fit.find(({ judge }) => judge === null) ?? fit[0]
  return seat === undefined ? null : [seat, turn]
}

function takeOut<Item>(items: Item[], isWanted: (item: Item) => boolean): Item[] {
  const taken = items.filter(isWanted)
  items.splice(0, items.length, ...items.filter((item) => !taken.includes(item)))
  return taken
}
