import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parquet } from '../../../extractors/imports/parquet.ts'
import { openParquet } from '../../../pipelines/core/parquet.ts'
import type { Column } from '../../../pipelines/core/parquet.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const COLUMNS: Column[] = [
  { name: 'task', type: 'string', nullable: false, description: '' },
  {
    name: 'turns',
    type: { list: { struct: { role: 'string', content: 'string' } } },
    nullable: false,
    description: '',
  },
  { name: 'logits', type: 'string', nullable: false, description: '' },
]

describe('parquet', () => {
  test('gives rows in order over all row groups, with the wanted columns only', async () => {
    const path = join(await temporaryFolder(), 'outputs.parquet')
    const sink = openParquet(path, COLUMNS, { firstGroupRows: 2, groupRows: 2 })
    for (const task of ['a', 'b', 'c', 'd', 'e']) {
      await sink.write({ task, turns: [{ role: 'user', content: task }], logits: 'unwanted' })
    }
    await sink.close()
    const rows = await Array.fromAsync(parquet.read(path, {}, ['task', 'turns', 'turns.0.content']))
    expect(rows).toHaveLength(5)
    expect(rows.at(-1)).toEqual({ row: 5, value: { task: 'e', turns: [{ role: 'user', content: 'e' }] } })
  })

  test.each(['snappy', 'gzip', 'brotli', 'zstd', 'none'])('reads what pyarrow writes with %s', async (compression) => {
    const path = join(await temporaryFolder(), 'outputs.parquet')
    const script = `
import sys, pyarrow as pa, pyarrow.parquet as pq
table = pa.table({"task": ["softmax"] * 3, "id": [7, 8, 2**53 + 1]})
pq.write_table(table, sys.argv[1], compression=sys.argv[2])
`
    const written = await runProcess('.venv/bin/python', ['-c', script, path, compression])
    expect(written.stderr).toBe('')
    const rows = await Array.fromAsync(parquet.read(path, {}, ['task', 'id']))
    expect(rows.at(-1)).toEqual({ row: 3, value: { task: 'softmax', id: 9007199254740993n } })
  })

  test('names the columns there are where none of the declared ones is', async () => {
    const path = join(await temporaryFolder(), 'outputs.parquet')
    await openParquet(path, COLUMNS).close()
    await expect(Array.fromAsync(parquet.read(path, {}, ['problem', 'answer']))).rejects.toMatchObject({
      code: 'missing_column',
      hint: expect.stringContaining('task, turns, logits'),
    })
  })

  test('names a file that is no Parquet', async () => {
    const path = join(await temporaryFolder(), 'outputs.parquet')
    await writeFile(path, 'PAR1 but not really')
    await expect(Array.fromAsync(parquet.read(path, {}, ['task']))).rejects.toMatchObject({
      code: 'unreadable_parquet',
      message: expect.stringContaining(path),
    })
  })
})
