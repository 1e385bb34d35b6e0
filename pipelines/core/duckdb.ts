import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { mkdir, rm } from 'node:fs/promises'
import { CurateError, messageOf } from './errors.ts'
import type { Column, ParquetRow } from './parquet.ts'

/** A database in memory that spills to a folder: for joins and orders over the narrow columns of tables of any size. */
export interface Database {
  /** Runs a statement for its effect. */
  run(sql: string): Promise<void>
  /** Rows of a query; whole numbers come as bigint. Its result is complete before the first row: keep it small. */
  query(sql: string): AsyncGenerator<ParquetRow>
  close(): Promise<void>
}

/** How much it may use; the rest of a query goes to the folder. */
export interface DatabaseLimits {
  /** Bytes. Default 1 GiB. */
  readonly memoryBytes?: number
  /** Default 2. */
  readonly threads?: number
}

/**
 * Opens a database that spills to `directory`, which is its own: it is emptied first, since a killed run may have left
 * something, and removed in the end.
 */
export async function openDatabase(
  directory: string,
  signal: AbortSignal,
  { memoryBytes = 2 ** 30, threads = 2 }: DatabaseLimits = {},
): Promise<Database> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  const instance = await openInMemory({
    memory_limit: `${memoryBytes}B`,
    threads: String(threads),
    temp_directory: directory,
    // Costs memory, and every query here says the order it wants.
    preserve_insertion_order: 'false',
    // Nothing may be fetched from the network because a query happens to name a function.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const open = new Set<DuckDBConnection>()
  const interrupt = (): void => {
    for (const connection of open) connection.interrupt()
  }
  signal.addEventListener('abort', interrupt)

  async function* query(sql: string): AsyncGenerator<ParquetRow> {
    const connection = await instance.connect()
    open.add(connection)
    try {
      // Never `stream`: there an error after the first rows (memory, disk) reads like the end of the result.
      const result = await connection.run(sql)
      for await (const rows of result.yieldRowObjectJs()) yield* rows
    } catch (error) {
      signal.throwIfAborted()
      throw queryFailure(error)
    } finally {
      open.delete(connection)
      connection.closeSync()
    }
  }
  return {
    query,
    async run(sql) {
      for await (const _ of query(sql)) continue
    },
    async close() {
      signal.removeEventListener('abort', interrupt)
      instance.closeSync()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A database for a few small questions: it reads no file, spills nothing, and its settings cannot be changed any more. */
export interface ScratchDatabase {
  run(sql: string): Promise<void>
  /** The column `value` of all rows. */
  values(sql: string): Promise<Set<string>>
  close(): void
}

export async function openScratchDatabase(): Promise<ScratchDatabase> {
  const instance = await openInMemory({
    memory_limit: '256MB',
    threads: '1',
    enable_external_access: 'false',
    lock_configuration: 'true',
  })
  const connection = await instance.connect()
  return {
    async run(sql) {
      await connection.run(sql)
    },
    async values(sql) {
      const rows = await (await connection.run(sql)).getRowObjectsJS()
      return new Set(rows.flatMap(({ value }) => (typeof value === 'string' ? [value] : [])))
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/**
 * The rows of Parquet files as a table expression, with `filename` and `file_row_number` as a tie-break that every run
 * agrees on; a table of no rows where there are no files.
 */
export function parquetTable(paths: readonly string[], columns: readonly Column[]): string {
  if (paths.length === 0) {
    const empty = [...columns.map(({ name }) => name), 'filename', 'file_row_number']
    return `(SELECT ${empty.map((name) => `NULL::VARCHAR AS ${quoteName(name)}`).join(', ')} WHERE false)`
  }
  return `read_parquet([${paths.map(quotePath).join(', ')}], filename = true, file_row_number = true)`
}

/** A name as SQL has it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The path of one file as SQL has it: DuckDB would take some characters of it for a pattern. */
export function quotePath(path: string): string {
  return quoteText(path.replaceAll(/[*?[]/g, '[$&]'))
}

/** A text as SQL has it. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

// Loaded when it is asked for: it takes a tenth of a second, and most commands ask for none.
async function openInMemory(settings: Readonly<Record<string, string>>): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  return await DuckDBInstance.create(':memory:', settings)
}

function queryFailure(error: unknown): CurateError {
  const message = messageOf(error).split('\n', 1)[0] ?? ''
  if (/no space left|disk quota/i.test(message)) {
    const hint = 'Free some disk space and run the same command again: finished shards are kept.'
    return new CurateError('disk_full', message, { hint, retryable: true, cause: error })
  }
  const hint = message.startsWith('Out of Memory')
    ? 'Free some memory or disk space for the work directory and run the same command again.'
    : 'A table of the work directory is damaged or was written by another version. Delete the shard it names and run again.'
  return new CurateError('query_failed', message, { hint, cause: error })
}
