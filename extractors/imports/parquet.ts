import { z } from 'zod'
import { CurateError } from '../../pipelines/core/errors.ts'
import { describeParquet, readParquet } from '../../pipelines/core/parquet.ts'
import type { ImportFormat } from '../types.ts'

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
    if (selected.length === 0) throw foreignColumns(path, columns, wanted)
    let row = 0
    for await (const value of readParquet(path, selected)) {
      row += 1
      yield { row, value }
    }
  },
}

function foreignColumns(path: string, columns: readonly string[], wanted: readonly string[]): CurateError {
  return new CurateError('missing_column', `${path} has none of the columns ${wanted.join(', ')}`, {
    hint: `Set \`columns\` of the import in the recipe; the file has ${columns.join(', ')}.`,
  })
}
