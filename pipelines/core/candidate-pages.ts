import { quotePath, quoteText } from './duckdb.ts'
import type { Database } from './duckdb.ts'

/** The candidates after `after` up to `upTo`, in order of task and candidate id; null for no end. */
export interface Page {
  readonly after: PageEnd | null
  readonly upTo: PageEnd | null
}

interface PageEnd {
  readonly task: string
  readonly id: string
}

/**
 * Divides `numCandidates` ids of `ids`, a table with the columns task and id, so that the rows of `paths` that belong to a
 * page take about `pageBytes`.
 */
export async function planPages(
  database: Database,
  ids: string,
  numCandidates: number,
  paths: readonly string[],
  pageBytes: number,
): Promise<Page[]> {
  if (numCandidates === 0) return []
  const list = paths.map(quotePath).join(', ')
  const totalBytes = await readNumber(
    database,
    `SELECT coalesce(sum(total_uncompressed_size), 0) AS value FROM parquet_metadata([${list}])`,
  )
  const size = Math.max(1, Math.floor((numCandidates * pageBytes) / Math.max(1, totalBytes)))
  const ends = database.query(`SELECT task, id FROM
    (SELECT task, id, row_number() OVER (ORDER BY task, id) AS place FROM ${ids})
    WHERE place % ${size} = 0 AND place < ${numCandidates} ORDER BY place`)
  const pages: Page[] = []
  let after: PageEnd | null = null
  for await (const { task, id } of ends) {
    const upTo: PageEnd = { task: String(task), id: String(id) }
    pages.push({ after, upTo })
    after = upTo
  }
  return [...pages, { after, upTo: null }]
}

/** The condition that a row with these columns is in the page. */
export function within({ after, upTo }: Page, task: string, id: string): string {
  const from = after === null ? 'true' : isAfter(after, task, id)
  return upTo === null ? from : `${from} AND NOT ${isAfter(upTo, task, id)}`
}

// Spelled out: DuckDB 1.5 makes a BETWEEN of two comparisons of rows, and then refuses its own BETWEEN.
function isAfter(end: PageEnd, task: string, id: string): string {
  return `(${task} > ${quoteText(end.task)} OR (${task} = ${quoteText(end.task)} AND ${id} > ${quoteText(end.id)}))`
}

/** The number in the column `value` of the only row. */
export async function readNumber(database: Database, sql: string): Promise<number> {
  for await (const { value } of database.query(sql)) return Number(value)
  return 0
}
