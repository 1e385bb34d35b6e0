import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase, parquetTable } from '../../../pipelines/core/duckdb.ts'
import type { Database, DatabaseLimits } from '../../../pipelines/core/duckdb.ts'
import { openParquet } from '../../../pipelines/core/parquet.ts'
import type { Column } from '../../../pipelines/core/parquet.ts'

const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'string', nullable: false, description: '' },
  { name: 'text', type: 'string', nullable: true, description: '' },
]

let directory: string
let abort: AbortController

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'curate-duckdb-'))
  abort = new AbortController()
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function withDatabase<Result>(use: (database: Database) => Promise<Result>, limits: DatabaseLimits = {}) {
  const database = await openDatabase(join(directory, 'spill'), abort.signal, limits)
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}

async function writeRows(name: string, rows: readonly Record<string, unknown>[]): Promise<string> {
  const path = join(directory, name)
  const sink = openParquet(path, COLUMNS)
  for (const row of rows) await sink.write(row)
  await sink.close()
  return path
}

function collect(database: Database, sql: string) {
  return Array.fromAsync(database.query(sql))
}

describe('openDatabase', () => {
  it('reads Parquet files whose names mean something in SQL or in a glob', async () => {
    const first = await writeRows("it's [1]*?.parquet", [{ id: 'b', text: null }])
    await writeRows("it's 1 that the pattern means.parquet", [{ id: 'not asked for', text: null }])
    const second = await writeRows('two.parquet', [{ id: 'a', text: 'x' }])
    const rows = await withDatabase((database) =>
      collect(database, `SELECT id, text FROM ${parquetTable([first, second], COLUMNS)} ORDER BY id`),
    )
    expect(rows).toEqual([
      { id: 'a', text: 'x' },
      { id: 'b', text: null },
    ])
  })

  it('takes no files for a table without rows', async () => {
    const rows = await withDatabase((database) =>
      collect(database, `SELECT count(*) AS n, max(id) AS id FROM ${parquetTable([], COLUMNS)}`),
    )
    expect(rows).toEqual([{ n: 0n, id: null }])
  })

  it('orders more than its memory holds and leaves no file behind', async () => {
    const count = await withDatabase(
      async (database) => {
        await database.run(`CREATE TABLE t AS
          SELECT i, row_number() OVER (ORDER BY md5(i::VARCHAR)) AS place FROM range(3000000) r(i)`)
        let previous = ''
        let rows = 0
        for await (const { key } of database.query(
          'SELECT md5(i::VARCHAR) AS key FROM t WHERE place % 100 = 0 ORDER BY place',
        )) {
          expect(String(key) > previous).toBe(true)
          previous = String(key)
          rows += 1
        }
        return rows
      },
      { memoryBytes: 150_000_000, threads: 1 },
    )
    expect(count).toBe(30_000)
    expect(await readdir(directory)).toEqual([])
  })

  it('never takes an error in the middle of a result for its end', async () => {
    const sql = `SELECT md5(i::VARCHAR) AS key, repeat(md5(i::VARCHAR), 20) AS text FROM range(300000) r(i) ORDER BY key`
    const rows = withDatabase((database) => collect(database, sql), { memoryBytes: 100_000_000, threads: 1 })
    await expect(rows.then((all) => all.length)).rejects.toMatchObject({ code: 'query_failed' })
  })

  it('reads two queries at the same time', async () => {
    const sums = await withDatabase(async (database) => {
      const left = database.query('SELECT i FROM range(5000) t(i)')
      const right = database.query('SELECT i FROM range(5000) t(i)')
      let sum = 0
      for await (const { i } of left) sum += Number(i) - Number((await right.next()).value?.['i'])
      return sum
    })
    expect(sums).toBe(0)
  })

  it('names the damaged file', async () => {
    const path = join(directory, 'broken.parquet')
    await writeFile(path, 'not Parquet')
    const reading = withDatabase((database) => collect(database, `SELECT * FROM ${parquetTable([path], COLUMNS)}`))
    await expect(reading).rejects.toMatchObject({
      code: 'query_failed',
      message: expect.stringContaining('broken.parquet'),
      hint: expect.stringContaining('Delete'),
    })
  })

  it('says so where neither memory nor disk suffices', async () => {
    const query = withDatabase(
      (database) => collect(database, 'SELECT list(repeat(i::VARCHAR, 100)) AS all FROM range(2000000) t(i)'),
      { memoryBytes: 20_000_000, threads: 1 },
    )
    await expect(query).rejects.toMatchObject({ code: 'query_failed', hint: expect.stringContaining('memory') })
  })

  it('stops a query when the run is interrupted', async () => {
    const reading = withDatabase((database) => {
      setTimeout(() => abort.abort(), 100)
      return collect(database, 'SELECT sum(a.i * b.i % 7) FROM range(1000000) a(i), range(1000000) b(i)')
    })
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
  })
})
