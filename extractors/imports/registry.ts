import type { ImportFormat } from '../types.ts'
import { arrow } from './arrow.ts'
import { flashinferTrace } from './flashinfer-trace.ts'
import { jsonFiles } from './json-files.ts'
import { json } from './json.ts'
import { jsonl } from './jsonl.ts'
import { parquet } from './parquet.ts'

/** File formats that model outputs are imported from: one line each. */
export const importFormats = {
  jsonl,
  json,
  'json-files': jsonFiles,
  parquet,
  arrow,
  'flashinfer-trace': flashinferTrace,
} satisfies Record<string, ImportFormat>
