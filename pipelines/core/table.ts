import type { z } from 'zod'
import { CurateError } from './errors.ts'
import { describeParquet, readParquet, readSelected } from './parquet.ts'
import type { Column, ParquetRow, RowSelection } from './parquet.ts'
import { columnsOf } from './record-columns.ts'

/** A named kind of row that stages pass on: its record schema and the columns derived from it. */
export interface Table<Row> {
  readonly name: string
  readonly schema: z.ZodType<Row>
  readonly columns: readonly Column[]
}

/** One row on its way into a table. */
export interface TableRow {
  readonly table: string
  readonly row: Record<string, unknown>
}

/** Declares a table from the schema of its record. */
export function defineTable<Row>(name: string, schema: z.ZodType<Row>): Table<Row> {
  return { name, schema, columns: columnsOf(schema) }
}

/** A row for a table, as a stage yields it. */
export function rowOf<Row extends object>(table: Table<Row>, row: Row): TableRow {
  return { table: table.name, row: Object.fromEntries(Object.entries(row)) }
}

/** Reads a table's file, or the rows of it that are wanted, and checks each against the record it must be. */
export async function* readTable<Row>(table: Table<Row>, path: string, wanted?: RowSelection): AsyncGenerator<Row> {
  if (wanted === undefined) {
    for await (const stored of readParquet(path)) yield parseRow(table, stored, path)
    return
  }
  await requireColumns(table, path)
  for await (const stored of readSelected(path, wanted)) yield parseRow(table, stored, path)
}

/** Checks from its footer that a file can hold a table, before a query over it fails without naming it. */
export async function requireColumns(table: Table<unknown>, path: string): Promise<void> {
  const { columns } = await describeParquet(path)
  const missing = table.columns.find(({ name }) => !columns.includes(name))
  if (missing !== undefined) throw foreignFile(table.name, path, `it has no column ${missing.name}`)
}

/** A row as a file holds it, as the record it must be; `place` names the file in errors. */
export function parseRow<Row>(table: Table<Row>, stored: ParquetRow, place: string): Row {
  const row = table.columns.map(({ name, type }) => [name, type === 'int64' ? toNumber(stored[name]) : stored[name]])
  const parsed = table.schema.safeParse(Object.fromEntries(row))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw foreignFile(table.name, place, issue === undefined ? '' : `${issue.path.join('.')}: ${issue.message}`)
}

function toNumber(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

function foreignFile(table: string, path: string, problem: string): CurateError {
  return new CurateError('foreign_table', `${path} does not hold ${table}: ${problem}`, {
    hint: 'The file was written by another program or version. Delete it and run the same command again.',
  })
}
