import type { Column } from '../../pipelines/core/parquet.ts'
import type { DatasetFacts } from './facts.ts'
import type { CardPlot } from './plots.ts'

/** A split of a config as it was written. */
export interface ExportedSplit {
  readonly name: string
  readonly numRows: number
  /** As Arrow, uncompressed. */
  readonly numBytes: number
  readonly numFiles: number
  readonly numFileBytes: number
}

/** A config as it was written, in the format the card points to. */
export interface ExportedConfig {
  readonly name: string
  readonly summary: string
  readonly extension: string
  readonly columns: readonly Column[]
  readonly splits: readonly ExportedSplit[]
}

/** One step from repositories to rows. */
export interface FunnelStep {
  readonly stage: string
  readonly what: string
  readonly count: number
}

/** A source or import of the recipe with what it resolved to. */
export interface CardSource {
  readonly id: string
  /** Kind and address, without credentials. */
  readonly address: string
  /** Commit of a source, SHA-256 of an imported file; null where it could not be reached. */
  readonly identity: string | null
}

/** Everything the card is rendered from. */
export interface CardInput {
  readonly name: string
  readonly description: string
  /** `owner/name` on the Hub; null where the recipe publishes nowhere. */
  readonly repo: string | null
  readonly card: {
    readonly pretty_name: string | null
    readonly license: string
    readonly tags: readonly string[]
    readonly language: readonly string[]
  }
  readonly configs: readonly ExportedConfig[]
  readonly funnel: readonly FunnelStep[]
  readonly sources: readonly CardSource[]
  /** Datasets it was made from, as the Hub names them; `original` for what was mined. */
  readonly sourceDatasets: readonly string[]
  readonly filters: readonly { readonly name: string; readonly summary: string }[]
  readonly facts: DatasetFacts
  readonly plots: readonly CardPlot[]
  /** The recipe as YAML. */
  readonly recipe: string
  readonly curateVersion: string
}
