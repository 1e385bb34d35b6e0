import { ParquetWriter, fileWriter } from 'hyparquet-writer'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet'
import { brotliDecompressSync, gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { CurateError, messageOf, systemCodeOf } from './errors.ts'
import { schemaElements, toStored } from './parquet-schema.ts'
import type { Column } from './parquet-schema.ts'

export type { Column, ColumnType } from './parquet-schema.ts'

/** Rows as they are in a file: column name to value. */
export type ParquetRow = Record<string, unknown>

/** How a file is laid out; the defaults suit tables between stages. */
export interface ParquetOptions {
  /** Rows in the first row group: small, so that a viewer shows the first page without reading much. */
  readonly firstGroupRows?: number
  /** Rows in every later row group, at most. */
  readonly groupRows?: number
  /** Characters of text after which a row group is closed whatever its row count: the bound on memory. */
  readonly groupCharacters?: number
  /** Key-value pairs in the footer. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** An open Parquet file that takes rows one at a time and holds one row group in memory. */
export interface ParquetSink {
  write(row: ParquetRow): Promise<void>
  /** Finishes the file and says how many rows it holds. */
  close(): Promise<number>
}

/** Opens `path` for writing, zstd-compressed, with a page index. An empty table is a valid file. */
export function openParquet(path: string, columns: readonly Column[], options: ParquetOptions = {}): ParquetSink {
  const { firstGroupRows = 1000, groupRows = 10_000, groupCharacters = 32_000_000, metadata = {} } = options
  const writer = new ParquetWriter({
    writer: fileWriter(path),
    schema: schemaElements(columns),
    codec: 'ZSTD',
    compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
    createdBy: 'curate',
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  })
  let group: ParquetRow[] = []
  let characters = 0
  let numRows = 0

  async function flush(): Promise<void> {
    if (group.length === 0) return
    await writer.write({ columnData: transpose(group, columns), rowGroupSize: group.length })
    group = []
    characters = 0
  }
  return {
    async write(row) {
      group.push(row)
      numRows += 1
      characters += textLength(row)
      const limit = numRows <= firstGroupRows ? firstGroupRows : groupRows
      if (group.length >= limit || characters >= groupCharacters) await flush()
    },
    async close() {
      await flush()
      await writer.finish()
      return numRows
    },
  }
}

/** Reads the rows of a file, one row group in memory at a time; `columns` leaves out the others. */
export async function* readParquet(path: string, columns?: readonly string[]): AsyncGenerator<ParquetRow> {
  const { file, metadata } = await openForReading(path)
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const selection = columns === undefined ? {} : { columns: [...columns] }
    const rows = await guard(path, () =>
      parquetReadObjects({ file, metadata, compressors: COMPRESSORS, rowStart, rowEnd, ...selection }),
    )
    for (const row of rows) yield row
    rowStart = rowEnd
  }
}

/** The number of rows, the column names and the footer's key-value pairs of a file, read from its footer alone. */
export async function describeParquet(
  path: string,
): Promise<{ numRows: number; columns: string[]; metadata: Record<string, string> }> {
  const { metadata } = await openForReading(path)
  const pairs = (metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ''] as const)
  return {
    numRows: Number(metadata.num_rows),
    columns: parquetSchema(metadata).children.map((child) => child.element.name),
    metadata: Object.fromEntries(pairs),
  }
}

// Ours are zstd; imported files come in every codec (hyparquet itself reads snappy).
const COMPRESSORS: Compressors = {
  ZSTD: (bytes) => zstdDecompressSync(bytes),
  GZIP: (bytes) => gunzipSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
}

async function openForReading(path: string): Promise<{ file: AsyncBuffer; metadata: FileMetaData }> {
  return guard(path, async () => {
    const file = await asyncBufferFromFile(path)
    return { file, metadata: await parquetMetadataAsync(file) }
  })
}

async function guard<Result>(path: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (error) {
    if (systemCodeOf(error) !== null) throw error
    throw new CurateError('unreadable_parquet', `${path} is not a readable Parquet file: ${messageOf(error)}`, {
      hint: 'The file is truncated, damaged or of another format. Delete it and run the same command again.',
      cause: error,
    })
  }
}

function transpose(rows: readonly ParquetRow[], columns: readonly Column[]) {
  return columns.map((column) => ({
    name: column.name,
    data: rows.map((row) => toStored(column, row[column.name])),
    statistics: column.statistics ?? true,
    columnIndex: column.statistics ?? true,
  }))
}

function textLength(row: ParquetRow): number {
  let length = 0
  for (const value of Object.values(row)) {
    if (typeof value === 'string') length += value.length
    else if (value !== null && typeof value === 'object') length += JSON.stringify(value).length
  }
  return length
}
