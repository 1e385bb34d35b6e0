import type { ImportFormat } from '../types.ts'
import { jsonl } from './jsonl.ts'
import { parquet } from './parquet.ts'

/** File formats that model outputs are imported from: one line each. */
export const importFormats = { jsonl, parquet } satisfies Record<string, ImportFormat>
