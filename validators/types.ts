import type { Candidate } from '../pipelines/core/records/candidate.ts'
import type { Evaluation } from '../pipelines/core/records/evaluation.ts'
import type { Task } from '../pipelines/core/records/task.ts'
import type { SelfTiming } from './protocol.ts'

/** One candidate to be judged on every workload of its task. */
export interface EvaluationRequest {
  readonly task: Pick<Task, 'id' | 'reference' | 'workloads'>
  readonly candidate: Pick<Candidate, 'id' | 'language' | 'form' | 'entry_point' | 'sources'>
}

/** Where the time of judging one candidate went. */
export interface JudgingTime {
  readonly candidate_id: string
  /** Phase to seconds; phases exclude one another. */
  readonly seconds: Readonly<Record<string, number>>
  /** What came out where the judge timed a program against itself before it; absent otherwise. */
  readonly self_timings?: readonly SelfTiming[]
}

/** Something that is not as it could be, and what to do about it. */
export interface ValidatorWarning {
  readonly message: string
  readonly hint: string
}

/** Judges candidates; safe to call many times at once, it queues by itself. */
export interface Validator {
  /** How many candidates it judges at the same time; more questions than that only wait. */
  readonly concurrency: number
  /** Announces requests: what their candidates want built may be built while others are judged. */
  prepare(requests: readonly EvaluationRequest[]): void
  /** One evaluation per workload, in the order of the task's workloads. Throws only for a machine's failure. */
  evaluate(request: EvaluationRequest): Promise<Evaluation[]>
  /** What the user should know of this machine, each once. */
  takeWarnings(): readonly ValidatorWarning[]
  /** Times of the candidates that were judged since the last look. */
  takeTimes(): readonly JudgingTime[]
  close(): Promise<void>
}
