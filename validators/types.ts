import type { Candidate } from '../pipelines/core/records/candidate.ts'
import type { Evaluation } from '../pipelines/core/records/evaluation.ts'
import type { Task } from '../pipelines/core/records/task.ts'

/** One candidate to be judged on every workload of its task. */
export interface EvaluationRequest {
  readonly task: Task
  readonly candidate: Candidate
}

/** Judges candidates; safe to call many times at once, it queues by itself. */
export interface Validator {
  /** How many candidates it judges at the same time; more questions than that only wait. */
  readonly concurrency: number
  /** One evaluation per workload, in the order of the task's workloads. Throws only for a machine's failure. */
  evaluate(request: EvaluationRequest): Promise<Evaluation[]>
  close(): Promise<void>
}
