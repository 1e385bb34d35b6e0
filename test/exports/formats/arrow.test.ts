import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tableFromIPC } from 'apache-arrow'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { arrow } from '../../../exports/formats/arrow.ts'
import { sha256 } from '../../../pipelines/core/hash.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import type { ParquetRow } from '../../../pipelines/core/parquet.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { COLUMNS, ROWS } from '../../pipelines/core/awkward-rows.ts'
import { asPythonPrints } from '../../pipelines/core/python-rows.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'curate-arrow-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function write(rows: readonly ParquetRow[], options: unknown = {}): Promise<string> {
  const path = join(directory, 'table.arrow')
  const sink = await arrow.open(path, COLUMNS, arrow.options.parse(options), {})
  for (const row of rows) await sink.write(row)
  expect(await sink.close()).toBe(rows.length)
  return path
}

const Report = z.object({
  types: z.record(z.string(), z.tuple([z.string(), z.boolean()])),
  batch_rows: z.array(z.int()),
  rows: z.array(z.record(z.string(), z.unknown())),
})

async function readWithPyarrow(path: string): Promise<z.infer<typeof Report>> {
  const script = join(packageRoot, 'test/fixtures/exports/read_arrow.py')
  const python = join(packageRoot, '.venv/bin/python')
  const { ok, stdout, stderr } = await runProcess(python, [script, path], { maxOutput: 100_000_000 })
  if (!ok) throw new Error(stderr)
  return Report.parse(JSON.parse(stdout))
}

describe('the format arrow', () => {
  it('is read back by pyarrow with equal values and the declared types', async () => {
    const { rows, types } = await readWithPyarrow(await write(ROWS))
    for (const [index, row] of rows.entries()) expect(row).toEqual(asPythonPrints(ROWS[index] ?? {}))
    expect(rows).toHaveLength(ROWS.length)
    expect(types).toMatchObject({
      id: ['string', false],
      whole: ['int64', true],
      messages: ['list<element: struct<role: string, content: string>>', true],
      anything: ['string', true],
    })
  })

  it('is read back by apache-arrow', async () => {
    const table = tableFromIPC(await readFile(await write(ROWS)))
    expect(table.numRows).toBe(ROWS.length)
    expect([...table].map((row) => row['whole'])).toEqual(ROWS.map(({ whole }) => whole))
  })

  it('is divided into batches of the size that is asked for', async () => {
    const report = await readWithPyarrow(await write(ROWS, { batch_rows: 4 }))
    expect(report.batch_rows).toEqual([4, 4, 2])
  })

  it('is a valid stream without rows', async () => {
    const { rows, types } = await readWithPyarrow(await write([]))
    expect(rows).toEqual([])
    expect(Object.keys(types)).toEqual(COLUMNS.map(({ name }) => name))
  })

  it('is the same bytes for the same rows', async () => {
    const first = sha256(await readFile(await write(ROWS)))
    expect(sha256(await readFile(await write(ROWS)))).toBe(first)
  })

  it('fails where it cannot write, and not elsewhere', async () => {
    const sink = await arrow.open(join(directory, 'missing/table.arrow'), COLUMNS, { batch_rows: 1 }, {})
    await expect(sink.close()).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('names the column that cannot hold a value', async () => {
    await expect(write([{ ...ROWS[0], whole: 1.5 }])).rejects.toThrow('column whole is of type int64')
  })
})
