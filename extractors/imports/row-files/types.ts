import type { Plugin } from '../../../pipelines/core/plugin.ts'

/** How a published dataset holds source files, one per row: every value is a template over the row's columns. */
export interface RowFilesMapping extends Plugin<Record<string, never>> {
  /** Repository of the dataset, `owner/name`, and its page. */
  readonly repository: string
  readonly address: string
  /** Where the names of the columns were read. */
  readonly schema_from: string
  /** Path of the file; rows of a repository should begin with its name. */
  readonly path: string
  readonly text: string
  /** Whether the text is an answer of a model, whose code may stand between fences. */
  readonly is_answer: boolean
  /** Columns that must hold a text for the row to be a file of ours; the others are passed over. */
  readonly only: Readonly<Record<string, string>>
  /** SPDX expression that holds for all rows; null where each has its own, or nobody says. */
  readonly license: string | null
}
