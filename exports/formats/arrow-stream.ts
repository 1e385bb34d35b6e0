import {
  Bool,
  Field,
  Float64,
  Int64,
  List,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
  makeBuilder,
  makeData,
} from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { toStored } from '../../pipelines/core/parquet-schema.ts'
import type { Column, ColumnType, ParquetRow, ParquetSink } from '../../pipelines/core/parquet.ts'

/** Opens a stream for writing, with batches of so many rows; `metadata` is what it says of itself. */
export function openArrowStream(
  path: string,
  columns: readonly Column[],
  batchRows: number,
  metadata: Readonly<Record<string, string>>,
): ParquetSink {
  const fields = columns.map(({ name, type, nullable }) => new Field(name, arrowType(type), nullable))
  const schema = new Schema(fields, new Map(Object.entries(metadata)))
  const writer = RecordBatchStreamWriter.throughNode()
  const written = pipeline(writer, createWriteStream(path))
  // Awaited in close; without this an early failure would count as unhandled.
  written.catch(() => undefined)
  let rows: ParquetRow[] = []
  let numRows = 0

  async function flush(): Promise<void> {
    const batch = batchOf(schema, columns, rows)
    rows = []
    if (!writer.write(batch)) await Promise.race([once(writer, 'drain'), written])
  }
  return {
    async write(row) {
      rows.push(row)
      numRows += 1
      if (rows.length >= batchRows) await flush()
    },
    async close() {
      // The schema is only written with a batch, so an empty table is a batch of no rows.
      if (rows.length > 0 || numRows === 0) await flush()
      writer.end()
      await written
      return numRows
    },
  }
}

function arrowType(type: ColumnType): DataType {
  if (type === 'int64') return new Int64()
  if (type === 'double') return new Float64()
  if (type === 'boolean') return new Bool()
  if (typeof type === 'string') return new Utf8()
  if ('list' in type) return new List(new Field('element', arrowType(type.list), true))
  return new Struct(Object.entries(type.struct).map(([name, field]) => new Field(name, arrowType(field), true)))
}

function batchOf(schema: Schema, columns: readonly Column[], rows: readonly ParquetRow[]): RecordBatch {
  const children = columns.map((column) => {
    const builder = makeBuilder({ type: arrowType(column.type), nullValues: [null, undefined] })
    for (const row of rows) builder.append(arrowValue(column, row[column.name]))
    return builder.finish().flush()
  })
  const type = new Struct(schema.fields)
  return new RecordBatch(schema, makeData({ type, length: rows.length, nullCount: 0, children }))
}

function arrowValue(column: Column, value: unknown): unknown {
  const stored = toStored(column, value)
  return column.type === 'json' && stored !== null ? JSON.stringify(stored) : stored
}
