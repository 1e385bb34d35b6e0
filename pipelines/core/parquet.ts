import { ParquetWriter, fileWriter } from 'hyparquet-writer'
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet'
import { brotliDecompressSync, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
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
  /** Default `zstd`; the others are for readers that know no zstd. */
  readonly compression?: ParquetCompression
}

export const PARQUET_COMPRESSIONS = ['zstd', 'snappy', 'gzip'] as const
type ParquetCompression = (typeof PARQUET_COMPRESSIONS)[number]

/** An open Parquet file that takes rows one at a time and holds one row group in memory. */
export interface ParquetSink {
  write(row: ParquetRow): Promise<void>
  /** Finishes the file and says how many rows it holds. */
  close(): Promise<number>
}

/** Opens `path` for writing, with a page index. An empty table is a valid file. */
export function openParquet(path: string, columns: readonly Column[], options: ParquetOptions = {}): ParquetSink {
  const { firstGroupRows = 1000, groupRows = 10_000, groupCharacters = 32_000_000, metadata = {} } = options
  const { compression = 'zstd' } = options
  const writer = new ParquetWriter({
    writer: fileWriter(path),
    schema: schemaElements(columns),
    codec: CODECS[compression],
    compressors: { ZSTD: (bytes) => zstdCompressSync(bytes), GZIP: (bytes) => gzipSync(bytes) },
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
      indexLonePages(writer)
      await writer.finish()
      return numRows
    },
  }
}

// The library indexes the chunks of several pages alone. Readers in Rust, the Hub's viewer among them, take a file in which some chunks
// have an offset index and others none for one without: https://github.com/apache/arrow-rs/issues/8818
function indexLonePages({ writer, pendingIndexes }: ParquetWriter): void {
  for (const { chunk, offsetIndex } of pendingIndexes) {
    const { meta_data: data } = chunk
    if (data === undefined || (offsetIndex?.page_locations.length ?? 0) > 1) continue
    const end = (data.dictionary_page_offset ?? data.data_page_offset) + data.total_compressed_size
    const offset = writer.offset
    // `OffsetIndex` with one `PageLocation`: https://github.com/apache/parquet-format/blob/master/PageIndex.md
    const page = { field_1: data.data_page_offset, field_2: Number(end - data.data_page_offset), field_3: 0n }
    serializeTCompactProtocol(writer, { field_1: [page] })
    chunk.offset_index_offset = BigInt(offset)
    chunk.offset_index_length = writer.offset - offset
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
    for (const row of rows) yield withNulls(row)
    rowStart = rowEnd
  }
}

/** Which rows of a file are wanted: by what one column of theirs holds. */
export interface RowSelection {
  readonly column: string
  readonly holds: (value: unknown) => boolean
}

/**
 * Reads the rows that are wanted: of each row group first the one column, then, by the page index, the neighbourhoods of those rows.
 * Of 20,000 candidates a reader that wants a thousandth decodes a tenth.
 */
export async function* readSelected(path: string, { column, holds }: RowSelection): AsyncGenerator<ParquetRow> {
  const { file, metadata } = await openForReading(path)
  const shared = { file, metadata, compressors: COMPRESSORS, useOffsetIndex: true }
  const read = (rowStart: number, rowEnd: number, selection: { columns?: string[] } = {}) =>
    guard(path, () => parquetReadObjects({ ...shared, rowStart, rowEnd, ...selection }))
  let start = 0
  for (const group of metadata.row_groups) {
    const end = start + Number(group.num_rows)
    const keys = await read(start, end, { columns: [column] })
    const wanted = keys.flatMap((row, index) => (holds(row[column]) ? [start + index] : []))
    for (const [first, last] of neighbourhoods(wanted)) {
      const rows = await read(first, last + 1)
      for (const row of rows) if (holds(row[column])) yield withNulls(row)
    }
    start = end
  }
}

// Rows that are about a page apart are read together: a page is decoded whole in any case.
const NEAR_ROWS = 200

function neighbourhoods(rows: readonly number[]): [number, number][] {
  const found: [number, number][] = []
  for (const row of rows) {
    const last = found.at(-1)
    if (last !== undefined && row - last[1] <= NEAR_ROWS) last[1] = row
    else found.push([row, row])
  }
  return found
}

// hyparquet gives an absent list or struct as undefined; absence is null.
function withNulls(row: ParquetRow): ParquetRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? null]))
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

const CODECS = { zstd: 'ZSTD', snappy: 'SNAPPY', gzip: 'GZIP' } as const

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
      hint: 'The file is truncated, damaged or of another format. If it is yours, get it again; if curate made it, delete it and run the same command again.',
      cause: error,
    })
  }
}

function transpose(rows: readonly ParquetRow[], columns: readonly Column[]) {
  return columns.map((column) => ({
    name: column.name,
    data: rows.map((row) => toStored(column, row[column.name])),
    statistics: hasStatistics(column),
    columnIndex: hasStatistics(column),
  }))
}

// Bounds of JSON are never cut short by the writer, so they would hold whole values, and nobody filters by them.
function hasStatistics({ type, statistics }: Column): boolean {
  return statistics ?? type !== 'json'
}

function textLength(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (value === null || typeof value !== 'object') return 0
  let length = 0
  for (const item of Object.values(value)) length += 8 + textLength(item)
  return length
}
