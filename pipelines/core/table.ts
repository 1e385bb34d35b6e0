import type { z } from 'zod'
import { CurateError } from './errors.ts'
import { readParquet } from './parquet.ts'
import type { Column } from './parquet.ts'
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

/** Reads a table's file and checks each row against the record it must be. */
export async function* readTable<Row>(table: Table<Row>, path: string): AsyncGenerator<Row> {
  const whole = new Set(table.columns.filter((column) => column.type === 'int64').map((column) => column.name))
  for await (const stored of readParquet(path)) {
    const row = Object.fromEntries(
      Object.entries(stored).map(([key, value]) => [key, whole.has(key) ? toNumber(value) : value]),
    )
    const parsed = table.schema.safeParse(row)
    if (!parsed.success) throw foreignFile(table.name, path, parsed.error.issues[0])
    yield parsed.data
  }
}

function toNumber(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

function foreignFile(table: string, path: string, issue: z.core.$ZodIssue | undefined): CurateError {
  const where = issue === undefined ? '' : `: ${issue.path.join('.')}: ${issue.message}`
  return new CurateError('foreign_table', `${path} does not hold ${table}${where}`, {
    hint: 'The file was written by another program or version. Delete it and run the same command again.',
  })
}
