import { z } from 'zod'
import { PARQUET_COMPRESSIONS, openParquet } from '../../pipelines/core/parquet.ts'
import type { ExportFormat } from '../types.ts'

const Options = z.strictObject({
  compression: z
    .enum(PARQUET_COMPRESSIONS)
    .default('zstd')
    .describe('`zstd` is smallest; `snappy` and `gzip` are for readers that know no zstd'),
})

/**
 * Parquet as the Hub's viewer and `datasets` want it: a page index, a small first row group, and no row group above
 * 100 MB uncompressed (a character takes at most three bytes), since the viewer reads 300 MB at most.
 */
export const parquet: ExportFormat<z.infer<typeof Options>> = {
  id: 'parquet',
  version: 3,
  summary: 'Parquet with a page index, for the Hub, datasets, pandas, DuckDB',
  options: Options,
  extension: '.parquet',
  open: async (path, columns, { compression }, metadata) =>
    openParquet(path, columns, {
      compression,
      metadata,
      firstGroupRows: 100,
      groupRows: 10_000,
      groupCharacters: 32_000_000,
    }),
}
