import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { arrow } from '../../../extractors/imports/arrow.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { peakMemoryOfReading } from './peak-memory.ts'

const WRITE = `
import sys, pyarrow as pa
table = pa.table({
    "task": ["softmax", "add", None],
    "turns": [[{"role": "user", "content": "?"}], [], None],
    "id": [7, 8, 2**53 + 1],
    "long": pa.array(["a", "b", "c"], pa.large_string()),
    "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
})
new = pa.ipc.new_file if sys.argv[2] == "file" else pa.ipc.new_stream
with pa.OSFile(sys.argv[1], "wb") as sink, new(sink, table.schema) as writer:
    writer.write_table(table, max_chunksize=2)
`
const COLUMNS = ['task', 'turns', 'turns.0.content', 'id', 'long', 'kind']

describe('arrow', () => {
  test.each(['stream', 'file'])('reads what pyarrow writes as a %s, over all record batches', async (kind) => {
    const path = await written(kind)
    expect(await Array.fromAsync(arrow.read(path, {}, COLUMNS))).toEqual([
      { row: 1, value: { task: 'softmax', turns: [{ role: 'user', content: '?' }], id: 7n, long: 'a', kind: 'x' } },
      { row: 2, value: { task: 'add', turns: [], id: 8n, long: 'b', kind: 'y' } },
      { row: 3, value: { task: null, turns: null, id: 9007199254740993n, long: 'c', kind: 'x' } },
    ])
  })

  test('gives the wanted columns only, and names those there are where none is', async () => {
    const path = await written('stream')
    const [first] = await Array.fromAsync(arrow.read(path, {}, ['task', 'nothing']))
    expect(first).toEqual({ row: 1, value: { task: 'softmax' } })
    await expect(Array.fromAsync(arrow.read(path, {}, ['problem']))).rejects.toMatchObject({
      code: 'missing_column',
      hint: expect.stringContaining('task, turns, id, long, kind'),
    })
  })

  test.each([
    ['cut in a record batch', (bytes: Buffer) => bytes.subarray(0, bytes.length - 300)],
    ['of another format', () => Buffer.from('PAR1 but not really')],
    ['empty', () => Buffer.alloc(0)],
  ])('names a file that is %s', async (_what, damage) => {
    const path = await written('stream')
    await writeFile(path, damage(await readFile(path)))
    await expect(Array.fromAsync(arrow.read(path, {}, COLUMNS))).rejects.toMatchObject({
      code: 'unreadable_arrow',
      message: expect.stringContaining(path),
    })
  })

  test.each(['stream', 'file'])('holds one record batch of a large %s', async (kind) => {
    const path = join(await temporaryFolder(), 'large.arrow')
    const script = `
import sys, pyarrow as pa
batch = pa.record_batch({"task": ["softmax"] * 100, "code": ["x" * 10_000] * 100})
new = pa.ipc.new_file if sys.argv[2] == "file" else pa.ipc.new_stream
with pa.OSFile(sys.argv[1], "wb") as sink, new(sink, batch.schema) as writer:
    for _ in range(400):
        writer.write_batch(batch)
`
    await runProcess('.venv/bin/python', ['-c', script, path, kind])
    const { rows, megabytes, fileMegabytes } = await peakMemoryOfReading('arrow', path)
    expect(rows).toBe(40_000)
    expect(fileMegabytes).toBeGreaterThan(400)
    expect(megabytes).toBeLessThan(300)
  })
})

async function written(kind: string): Promise<string> {
  const path = join(await temporaryFolder(), 'outputs.arrow')
  const result = await runProcess('.venv/bin/python', ['-c', WRITE, path, kind])
  expect(result.stderr).toBe('')
  return path
}
