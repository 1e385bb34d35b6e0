import type { Plugin } from '../pipelines/core/plugin.ts'
import type { Candidate } from '../pipelines/core/records/candidate.ts'
import type { Decision } from '../pipelines/core/records/decision.ts'
import type { Evaluation } from '../pipelines/core/records/evaluation.ts'
import type { Task } from '../pipelines/core/records/task.ts'

/** A validated candidate as filters see it. */
export interface Subject {
  readonly candidate: Candidate
  readonly task: Task
  /** One per workload, in the order of the task's workloads. */
  readonly evaluations: readonly Evaluation[]
}

/** A filter's verdict without the ids, which the stage adds. */
export type Verdict = Pick<Decision, 'keep' | 'score' | 'threshold' | 'reason' | 'detail'>

/** A filter that looks at one candidate at a time. */
export interface RecordFilter<Options = unknown> extends Plugin<Options> {
  readonly kind: 'record'
  decide(subject: Subject, options: Options): Verdict
}

/** A filter that looks across the dataset: a small signature of each candidate first, then a choice among all signatures. */
export interface DatasetFilter<Options = unknown> extends Plugin<Options> {
  readonly kind: 'dataset'
  /** What the choice needs of a candidate; plain JSON. */
  sign(subject: Subject, options: Options): Signature | Promise<Signature>
  /** One verdict per candidate that the filters before kept, from all their signatures in order of candidate id. */
  select(signatures: readonly Signed[], options: Options): ReadonlyMap<string, Verdict>
}

export type Signature = Readonly<Record<string, string | number | boolean | null>>

/** A candidate's id with its signature. */
export interface Signed {
  readonly candidateId: string
  readonly taskId: string
  readonly signature: Signature
}

export type Filter = RecordFilter | DatasetFilter
