import type { Candidate } from '../../../pipelines/core/records/candidate.ts'
import type { Plugin } from '../../../pipelines/core/plugin.ts'
import type { RowMapping } from '../columns.ts'
import type { ProgramForm } from '../programs.ts'

/** How a published dataset says what a row is: data, except for the form of its programs. */
export interface DatasetMapping extends Plugin<Record<string, never>> {
  /** Repository of the dataset, `owner/name`, and its page. */
  readonly repository: string
  readonly address: string
  /** Where the names of the columns were read. */
  readonly schema_from: string
  readonly columns: RowMapping
  readonly program: ProgramForm
  readonly origin: Candidate['origin']
  /** What wrote every row, where no column says so. */
  readonly generator: string | null
  /** SPDX expression of the dataset, for rows without one of their own; null where it declares none. */
  readonly license: string | null
  /** Modules that programs import and that were never published. */
  readonly unavailable: readonly string[]
}
