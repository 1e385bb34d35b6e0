import type { ExportFormat } from '../types.ts'
import { arrow } from './arrow.ts'
import { parquet } from './parquet.ts'

/** File formats of the published dataset; the card points readers to the first one in use: one line each. */
export const exportFormats = { parquet, arrow } satisfies Record<string, ExportFormat>
