import type { Plugin } from '../pipelines/core/plugin.ts'
import type { Candidate } from '../pipelines/core/records/candidate.ts'
import type { Decision } from '../pipelines/core/records/decision.ts'
import type { Evaluation } from '../pipelines/core/records/evaluation.ts'
import type { Task } from '../pipelines/core/records/task.ts'
import type { Column, ParquetRow } from '../pipelines/core/parquet.ts'

/** A selected candidate with everything that is known of it. */
export interface Selection {
  readonly candidate: Candidate
  readonly task: Task
  readonly evaluations: readonly Evaluation[]
  readonly decisions: readonly Decision[]
}

/** One config of the published dataset (`sft`, `preference`, ...): its columns, and how a selection becomes a row. */
export interface DatasetConfig<Options = unknown> extends Plugin<Options> {
  readonly columns: readonly Column[]
  /** The row, or null where this selection has none in this config. */
  toRow(selection: Selection, options: Options): ParquetRow | null
}

/** A file format of the published dataset. */
export interface ExportFormat<Options = unknown> extends Plugin<Options> {
  /** File ending, with the dot. */
  readonly extension: string
  /** Writes one file and says how many rows it holds. */
  write(path: string, columns: readonly Column[], rows: AsyncIterable<ParquetRow>, options: Options): Promise<number>
}
