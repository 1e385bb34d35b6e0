import type { Plugin } from '../pipelines/core/plugin.ts'
import type { GivenFacts, OwnFacts } from '../pipelines/core/records/candidate-facts.ts'
import type { Candidate } from '../pipelines/core/records/candidate.ts'
import type { Decision } from '../pipelines/core/records/decision.ts'
import type { Evaluation } from '../pipelines/core/records/evaluation.ts'
import type { Task } from '../pipelines/core/records/task.ts'

/** A candidate with its task and what was found of it. */
export interface Judged {
  readonly candidate: Candidate
  readonly task: Task
  /** One per workload, in the order of the task's workloads; none where another program judged. */
  readonly evaluations: readonly Evaluation[]
  /** What its file says of it, where it came with `--input`. */
  readonly given?: GivenFacts
  /** Fingerprint of the graph of the reference, shapes aside; null or absent where there is none, or nobody traced it. */
  readonly graph?: string | null
}

/** A validated candidate as filters see it. */
export interface Subject extends Judged {
  readonly facts: OwnFacts
}

/** A filter's verdict without the ids, which the stage adds. */
export type Verdict = Pick<Decision, 'keep' | 'score' | 'threshold' | 'reason' | 'detail' | 'parts'>

/** A filter that looks at one candidate at a time. */
export interface RecordFilter<Options = unknown> extends Plugin<Options> {
  readonly kind: 'record'
  decide(subject: Subject, options: Options): Verdict
}

/** A filter that looks across the dataset: a query over the facts of all candidates that the filters before it kept. */
export interface DatasetFilter<Options = unknown> extends Plugin<Options> {
  readonly kind: 'dataset'
  /**
   * SQL for DuckDB with one row per row of `candidates`, a table of facts, and the columns `candidate_id`, `keep` and, each null
   * or left out where there is nothing to say, `score`, `threshold`, `reason`, `detail`, `parts`. It may name no other table.
   */
  select(candidates: string, options: Options): string
}

export type Filter = RecordFilter | DatasetFilter
