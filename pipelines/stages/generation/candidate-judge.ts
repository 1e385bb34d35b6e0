import { z } from 'zod'
import type { AnswerLog } from '../../../extractors/models/answer-log.ts'
import type { Validator } from '../../../validators/types.ts'
import { hashOf } from '../../core/hash.ts'
import { judgedWorkloads } from '../../core/judged-workloads.ts'
import type { Candidate } from '../../core/records/candidate.ts'
import { Evaluation } from '../../core/records/evaluation.ts'
import type { Task } from '../../core/records/task.ts'
import { geomeanSpeedup } from '../../core/speedup.ts'
import { codeOf } from './candidate-code.ts'

/** Judges candidates while others are generated. */
export interface CandidateJudge {
  judge(task: Task, candidate: Candidate): Promise<readonly Evaluation[]>
}

/**
 * A judge that keeps what it said beside the answers. The next question is made of a verdict, times included: were it judged again
 * after an interruption, the question would be another one and have to be paid for.
 */
export function journalledJudge(
  validator: Pick<Validator, 'evaluate'>,
  log: AnswerLog,
  scope: { readonly device: string; readonly settings: unknown },
): CandidateJudge {
  const underWay = new Map<string, Promise<readonly Evaluation[]>>()

  async function evaluate(key: string, task: Task, candidate: Candidate): Promise<readonly Evaluation[]> {
    if (log.has('verdict', key)) return z.array(Evaluation).parse(await log.read('verdict', key))
    const rows = await validator.evaluate({ task, candidate })
    await log.append('verdict', key, rows)
    return rows
  }
  return {
    async judge(task, candidate) {
      // By what means something to a compiler: a sample that differs in its comments alone costs no time of a device.
      const { entry_point, language } = candidate
      const key = hashOf({ ...scope, task: task.id, code: codeOf(candidate), entry_point, language }).slice(0, 32)
      const asked = underWay.get(key) ?? evaluate(key, task, candidate).finally(() => underWay.delete(key))
      underWay.set(key, asked)
      return (await asked).map((row) => ({ ...row, candidate_id: candidate.id, task_id: task.id }))
    },
  }
}

/** What verdicts on all workloads come to. `unknown`: nothing here can tell, or the task itself is at fault. */
export function outcomeOf(evaluations: readonly Evaluation[]): {
  readonly kind: 'passed' | 'failed' | 'unknown'
  readonly speedup: number | null
} {
  const judged = judgedWorkloads(evaluations)
  const known = judged.filter(({ status }) => status !== 'NOT_RUN')
  if (known.some(({ status }) => status !== 'PASSED')) return { kind: 'failed', speedup: null }
  if (known.length === 0 || known.length < judged.length) return { kind: 'unknown', speedup: null }
  return { kind: 'passed', speedup: geomeanSpeedup(evaluations, 'speedup') }
}
