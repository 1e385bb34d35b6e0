import type { Column, ParquetRow, ParquetSink } from '../pipelines/core/parquet.ts'
import type { Plugin } from '../pipelines/core/plugin.ts'
import type { CandidateFacts } from '../pipelines/core/records/candidate-facts.ts'
import type { Candidate } from '../pipelines/core/records/candidate.ts'
import type { Decision } from '../pipelines/core/records/decision.ts'
import type { Evaluation } from '../pipelines/core/records/evaluation.ts'
import type { Reject } from '../pipelines/core/records/reject.ts'
import type { Task } from '../pipelines/core/records/task.ts'
import type { TrajectoryTurn } from '../pipelines/core/records/trajectory.ts'

/** A candidate with everything that is known of it. */
export interface Selection {
  readonly candidate: Candidate
  readonly task: Task
  /** One per workload, in the order of the task's workloads; none where another program judged. */
  readonly evaluations: readonly Evaluation[]
  /** In the order the filters decided. */
  readonly decisions: readonly Decision[]
  readonly facts: CandidateFacts
  /** Whether all filters kept it. */
  readonly isSelected: boolean
  /** Whether its text may be passed on at all: no filter of licences or safety refused it. */
  readonly isPublishable: boolean
}

/** A task with its candidates, whatever the filters said of them, in order of id. */
export interface TaskCandidates {
  readonly task: Task
  readonly candidates: readonly Selection[]
  readonly trajectories: readonly (readonly TrajectoryTurn[])[]
}

/** What configs are made of. All may be read again and again; each time the whole dataset passes by. */
export interface Dataset {
  /** Every selected candidate, those of a task together, in order of task and candidate id. */
  selections(): AsyncIterable<Selection>
  /** Every task that has candidates, with all of them, in order of task id. */
  tasks(): AsyncIterable<TaskCandidates>
  /** What any stage did not pass on, this one included. */
  rejects(): AsyncIterable<Reject>
}

/** A row of a config, or the reason why a selected candidate has none in it. */
export type ConfigRow =
  | { readonly taskId: string | null; readonly row: ParquetRow }
  | { readonly candidate: Pick<Candidate, 'id' | 'source'>; readonly reason: string; readonly detail: string }

/** One config of the published dataset (`sft`, `preference`, ...): its columns, and how its rows come from the records. */
export interface DatasetConfig<Options = unknown> extends Plugin<Options> {
  readonly columns: readonly Column[]
  rows(dataset: Dataset, options: Options): AsyncIterable<ConfigRow>
}

/** A file format of the published dataset. */
export interface ExportFormat<Options = unknown> extends Plugin<Options> {
  /** File ending, with the dot. */
  readonly extension: string
  /** Opens one file for writing; `metadata` is what the file says of itself. */
  open(
    path: string,
    columns: readonly Column[],
    options: Options,
    metadata: Readonly<Record<string, string>>,
  ): Promise<ParquetSink>
}
