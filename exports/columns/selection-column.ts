import type { Column } from '../../pipelines/core/parquet.ts'
import type { Selection } from '../types.ts'

/** A column that holds one fact about a selected candidate: its meaning and its value, declared once. */
export interface SelectionColumn extends Column {
  valueOf(selection: Selection): unknown
}
