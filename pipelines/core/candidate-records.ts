import { planPages, readNumber, within } from './candidate-pages.ts'
import type { Page } from './candidate-pages.ts'
import { parquetTable, quoteName } from './duckdb.ts'
import type { Database } from './duckdb.ts'
import { CurateError } from './errors.ts'
import type { ParquetRow } from './parquet.ts'
import { candidateFacts } from './records/candidate-facts.ts'
import type { CandidateFacts } from './records/candidate-facts.ts'
import { candidates } from './records/candidate.ts'
import type { Candidate } from './records/candidate.ts'
import { decisions, selected as selectedTable } from './records/decision.ts'
import type { Decision } from './records/decision.ts'
import { evaluations } from './records/evaluation.ts'
import type { Evaluation } from './records/evaluation.ts'
import { tasks } from './records/task.ts'
import type { Task } from './records/task.ts'
import { parseRow, requireColumns } from './table.ts'
import type { Table } from './table.ts'

/** A candidate with everything the tables say about it. */
interface CandidateRecords {
  readonly candidate: Candidate
  /** Null where the task is in none of the files. */
  readonly task: Task | null
  /** One per workload that was judged, in the order of the task's workloads. */
  readonly evaluations: readonly Evaluation[]
  readonly decisions: readonly Decision[]
  /** Null where the facts were not asked for, or there are none of it. */
  readonly facts: CandidateFacts | null
}

/** The files to join, by table. */
export interface CandidateFiles {
  readonly candidates: readonly string[]
  readonly tasks: readonly string[]
  readonly evaluations: readonly string[]
  /** Left out by who wants none. */
  readonly decisions?: readonly string[]
  readonly facts?: readonly string[]
  /** Only these candidates; all where it is left out. */
  readonly selected?: readonly string[]
}

/** Another copy of a candidate: the same text, mined or imported twice. */
interface CandidateCopy {
  readonly id: string
  readonly source: string
}

/** Candidates joined with their tasks, evaluations and decisions. */
export interface CandidateJoin {
  readonly numCandidates: number
  /** Copies that do not count, in order of id. */
  copies(): AsyncGenerator<CandidateCopy>
  /** Every candidate once, in order of task and candidate id, one page in memory at a time. */
  records(): AsyncGenerator<CandidateRecords>
}

/**
 * Joins tables that need not fit into memory. Only ids are ordered by the database; whole rows are fetched a page of
 * candidates at a time, because DuckDB 1.5 cannot order rows of long text beyond its memory, spilling or not.
 *
 * Of several copies of a candidate or task, one with a licence goes first, so that no row is lost to a file nobody licensed.
 */
export async function openCandidateJoin(
  database: Database,
  files: CandidateFiles,
  pageBytes = 64_000_000,
): Promise<CandidateJoin> {
  for (const [table, paths] of [
    [candidates, files.candidates],
    [tasks, files.tasks],
    [evaluations, files.evaluations],
    [decisions, files.decisions ?? []],
    [candidateFacts, files.facts ?? []],
    [selectedTable, files.selected ?? []],
  ] as const) {
    for (const path of paths) await requireColumns(table, path)
  }
  await database.run(copiesTable('candidate', 'task_id', candidates, files.candidates, files))
  await database.run(copiesTable('task', 'id', tasks, files.tasks, {}))
  const numCandidates = await readNumber(database, 'SELECT count(*) AS value FROM candidate_copy WHERE copy = 1')
  return {
    numCandidates,
    copies: () => readCopies(database, files),
    records: () => readRecords(database, files, numCandidates, pageBytes),
  }
}

function copiesTable(
  name: string,
  taskColumn: string,
  table: Table<unknown>,
  paths: readonly string[],
  { selected }: Pick<CandidateFiles, 'selected'>,
): string {
  const order = 'license IS NULL, filename, file_row_number'
  return `CREATE OR REPLACE TABLE ${name}_copy AS
    SELECT filename, file_row_number, id, ${taskColumn} AS task, row_number() OVER (PARTITION BY id ORDER BY ${order}) AS copy
    FROM ${parquetTable(paths, table.columns)} ${onlySelected(selected, 'id')}`
}

async function* readCopies(database: Database, files: CandidateFiles): AsyncGenerator<CandidateCopy> {
  const rows = database.query(`SELECT id, source FROM ${parquetTable(files.candidates, candidates.columns)}
    JOIN (SELECT filename, file_row_number, copy FROM candidate_copy WHERE copy > 1) USING (filename, file_row_number)
    ORDER BY id, copy`)
  for await (const { id, source } of rows) yield { id: String(id), source: String(source) }
}

async function* readRecords(
  database: Database,
  files: CandidateFiles,
  numCandidates: number,
  pageBytes: number,
): AsyncGenerator<CandidateRecords> {
  const paths = [...files.candidates, ...files.tasks, ...files.evaluations, ...(files.decisions ?? [])]
  const ids = '(SELECT task, id FROM candidate_copy WHERE copy = 1)'
  let numRead = 0
  for (const page of await planPages(database, ids, numCandidates, paths, pageBytes)) {
    const evaluationsOf = groupByCandidate(await readPage(database, evaluations, files.evaluations, files, page))
    const decisionsOf = groupByCandidate(await readPage(database, decisions, files.decisions ?? [], files, page))
    const factsOf = groupByCandidate(await readPage(database, candidateFacts, files.facts ?? [], files, page))
    for await (const row of database.query(candidateQuery(files, page))) {
      const candidate = parsePrefixed(candidates, row, 'candidate')
      const task = row['task.id'] === null ? null : parsePrefixed(tasks, row, 'task')
      const judged = inWorkloadOrder(evaluationsOf.get(candidate.id) ?? [], task)
      const [facts = null] = factsOf.get(candidate.id) ?? []
      yield { candidate, task, evaluations: judged, decisions: decisionsOf.get(candidate.id) ?? [], facts }
      numRead += 1
    }
  }
  if (numRead === numCandidates) return
  throw new CurateError('rows_lost', `${numRead} of ${numCandidates} candidates came out of the join`, {
    hint: 'This is a defect in curate: please report it with the log file of the run.',
  })
}

function candidateQuery(files: CandidateFiles, page: Page): string {
  const names = [...prefixedNames(candidates, 'candidate'), ...prefixedNames(tasks, 'task')]
  return `SELECT ${names.join(', ')}
    FROM (SELECT filename, file_row_number FROM candidate_copy WHERE copy = 1 AND ${within(page, 'task', 'id')})
    JOIN ${parquetTable(files.candidates, candidates.columns)} candidate USING (filename, file_row_number)
    LEFT JOIN (
      SELECT * FROM ${parquetTable(files.tasks, tasks.columns)}
      SEMI JOIN (SELECT filename, file_row_number FROM task_copy WHERE copy = 1) USING (filename, file_row_number)
    ) task ON task.id = candidate.task_id
    ORDER BY candidate.task_id, candidate.id`
}

// A candidate that came twice was judged twice: the verdict that did not pass goes first.
async function readPage<Row>(
  database: Database,
  table: Table<Row>,
  paths: readonly string[],
  { selected }: CandidateFiles,
  page: Page,
): Promise<Row[]> {
  const order = table.name === evaluations.name ? "workload_id, status = 'PASSED', " : ''
  const rows =
    database.query(`SELECT * FROM ${parquetTable(paths, table.columns)} ${onlySelected(selected, 'candidate_id')}
    WHERE ${within(page, 'task_id', 'candidate_id')}
    ORDER BY candidate_id, ${order}filename, file_row_number`)
  return Array.fromAsync(rows, (row) => parseQueried(table, row))
}

function groupByCandidate<Row extends { candidate_id: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const group = groups.get(row.candidate_id)
    if (group === undefined) groups.set(row.candidate_id, [row])
    else group.push(row)
  }
  return groups
}

function onlySelected(selected: readonly string[] | undefined, column: string): string {
  if (selected === undefined) return ''
  return `SEMI JOIN (SELECT candidate_id AS kept FROM ${parquetTable(selected, selectedTable.columns)}) ON kept = ${column}`
}

function prefixedNames(table: Table<unknown>, prefix: string): string[] {
  const names = [...table.columns.map(({ name }) => name), 'filename']
  return names.map((name) => `${prefix}.${quoteName(name)} AS ${quoteName(`${prefix}.${name}`)}`)
}

function parsePrefixed<Row>(table: Table<Row>, row: ParquetRow, prefix: string): Row {
  const own = [...table.columns.map(({ name }) => name), 'filename'].map((name) => [name, row[`${prefix}.${name}`]])
  return parseQueried(table, Object.fromEntries(own))
}

// The database gives JSON columns as text.
function parseQueried<Row>(table: Table<Row>, row: ParquetRow): Row {
  const parsed = table.columns.map(({ name, type }) => [name, type === 'json' ? parseJson(row[name]) : row[name]])
  return parseRow(table, Object.fromEntries(parsed), String(row['filename']))
}

function parseJson(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function inWorkloadOrder(found: readonly Evaluation[], task: Task | null): Evaluation[] {
  const first = [...new Map(found.toReversed().map((evaluation) => [evaluation.workload_id, evaluation])).values()]
  const order = new Map(task?.workloads.map(({ id }, index) => [id, index]))
  const place = ({ workload_id }: Evaluation): number => order.get(workload_id) ?? order.size
  return first.toSorted((a, b) => place(a) - place(b) || (a.workload_id < b.workload_id ? -1 : 1))
}
