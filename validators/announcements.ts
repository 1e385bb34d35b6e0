import { hashOf } from '../pipelines/core/hash.ts'
import type { Question } from './judge-process.ts'
import type { EvaluateRequest } from './protocol.ts'
import { waitsForBuilds, wantsBuilds } from './wants-builds.ts'

type Evaluation = Omit<EvaluateRequest, 'type' | 'nonce'>

/** What judges are to make ready ahead of its turn, a few at a time. */
export interface Announcements {
  /** Takes in questions, in the order in which they will come. */
  add(questions: readonly Evaluation[]): void
  /** What to announce to a judge beside a question: as many as `count` that have to be built, and as many that are only rehearsed. */
  beside(question: Question, count: number): Evaluation[]
}

/**
 * Announcements to a number of judges. What is asked already is rehearsed no more: it would take the processors from those that are not,
 * and be ready when nobody needs it.
 */
export function announcements(numJudges: number): Announcements {
  const builds: Evaluation[] = []
  const rehearsals = new Map<string, Evaluation>()
  let numAsked = 0
  return {
    add(questions) {
      for (const question of questions.filter(wantsBuilds)) {
        if (waitsForBuilds(question)) builds.push(question)
        else rehearsals.set(keyOf(question), question)
      }
    },
    beside(question, count) {
      numAsked += 1
      rehearsals.delete(keyOf(question))
      // Other judges are asked their first question in a moment.
      const asSoon = Math.max(0, numJudges - numAsked)
      const chosen = rehearsals.entries().drop(asSoon).take(count).toArray()
      for (const [key] of chosen) rehearsals.delete(key)
      return [...builds.splice(0, count), ...chosen.map(([, later]) => later)]
    },
  }
}

function keyOf({ task, candidate }: Pick<Question, 'task' | 'candidate'>): string {
  return hashOf([task.id, candidate])
}
