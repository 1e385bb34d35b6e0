import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parquet } from '../../../exports/formats/parquet.ts'
import { openDatabase, quotePath } from '../../../pipelines/core/duckdb.ts'
import { EMPTY, COLUMNS } from '../../pipelines/core/awkward-rows.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'curate-parquet-format-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const Group = z.object({ num_rows: z.bigint(), num_bytes: z.bigint(), compression: z.string() })

async function groupsOf(numRows: number, text: string, options: unknown = {}) {
  const path = join(directory, 'table.parquet')
  const sink = await parquet.open(path, COLUMNS, parquet.options.parse(options), {})
  for (let row = 0; row < numRows; row += 1) await sink.write({ ...EMPTY, id: String(row), text: text + row })
  expect(await sink.close()).toBe(numRows)
  const database = await openDatabase(join(directory, 'spill'), new AbortController().signal)
  try {
    const sql = `SELECT max(row_group_num_rows) AS num_rows, sum(total_uncompressed_size)::BIGINT AS num_bytes,
      max(compression) AS compression FROM parquet_metadata(${quotePath(path)}) GROUP BY row_group_id ORDER BY row_group_id`
    return z.array(Group).parse(await Array.fromAsync(database.query(sql)))
  } finally {
    await database.close()
  }
}

describe('the format parquet', () => {
  it('has a small first row group and none above 100 MB, whatever the text', async () => {
    const groups = await groupsOf(300, '核'.repeat(250_000))
    expect(groups[0]?.num_rows).toBeLessThanOrEqual(100n)
    expect(groups.length).toBeGreaterThan(2)
    for (const { num_bytes } of groups) expect(num_bytes).toBeLessThan(100_000_000n)
  })

  it.each([
    ['zstd', 'ZSTD'],
    ['snappy', 'SNAPPY'],
    ['gzip', 'GZIP'],
  ])('is compressed with %s where that is asked for', async (compression, name) => {
    expect(await groupsOf(3, 'x', { compression })).toMatchObject([{ num_rows: 3n, compression: name }])
  })

  it('is compressed with zstd otherwise', async () => {
    expect(await groupsOf(1, 'x')).toMatchObject([{ compression: 'ZSTD' }])
  })
})
