import { z } from 'zod'
import { describeParquet, readParquet } from '../../pipelines/core/parquet.ts'
import type { ImportFormat } from '../types.ts'
import { missingColumns } from './wanted-columns.ts'

const Options = z.strictObject({})

/** Apache Parquet; one row group is in memory at a time, and of it only the columns that are wanted. */
export const parquet: ImportFormat<z.infer<typeof Options>> = {
  id: 'parquet',
  version: 1,
  summary: 'Apache Parquet, one model output per row',
  options: Options,
  async *read(path, _options, wanted) {
    const { columns } = await describeParquet(path)
    const selected = columns.filter((column) => wanted.includes(column))
    if (selected.length === 0) throw missingColumns(path, columns, wanted)
    let row = 0
    for await (const value of readParquet(path, selected)) {
      row += 1
      yield { row, value }
    }
  },
}
