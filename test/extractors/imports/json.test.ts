import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { json } from '../../../extractors/imports/json.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { peakMemoryOfReading } from './peak-memory.ts'

const OPTIONS = { max_value_bytes: 1000 }

describe('json', () => {
  test.each([
    ['values of every kind', '[{"a": [1, {"b": 2}]}, "x", null, 3]', [{ a: [1, { b: 2 }] }, 'x', null, 3]],
    ['brackets, commas and quotes inside strings', '["], [", "\\"]", "\\\\", "é"]', ['], [', '"]', '\\', 'é']],
    ['white space and a byte order mark', '\uFEFF \n[\n 1 ,\n 2\n]\n', [1, 2]],
    ['an empty list', ' [ ] ', []],
  ])('reads %s', async (_what, text, values) => {
    const rows = await Array.fromAsync(json.read(await written(text), OPTIONS, []))
    expect(rows).toEqual(values.map((value, index) => ({ row: index + 1, value })))
  })

  test('unpacks gzip', async () => {
    const path = join(await temporaryFolder(), 'outputs.json.gz')
    await writeFile(path, gzipSync('[{"task": "softmax"}]'))
    expect(await Array.fromAsync(json.read(path, OPTIONS, []))).toEqual([{ row: 1, value: { task: 'softmax' } }])
  })

  test('a value that is broken or too long costs itself, not the rest of the list', async () => {
    const path = await written(`[1, {"a": }, , ${JSON.stringify('x'.repeat(2000))}, nul, 6]`)
    const rows = await Array.fromAsync(json.read(path, OPTIONS, []))
    expect(rows.map((row) => ('value' in row ? row.value : row.reason))).toEqual([
      1,
      'bad_json',
      'bad_json',
      'value_too_long',
      'bad_json',
      6,
    ])
    expect(rows.map(({ row }) => row)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('says where a truncated file ends', async () => {
    const path = await written('[{"a": 1}, {"a": 2')
    expect(await Array.fromAsync(json.read(path, OPTIONS, []))).toEqual([
      { row: 1, value: { a: 1 } },
      { row: 2, reason: 'truncated_file', detail: `${basename(path)} ends inside value 2 of its list` },
    ])
  })

  test.each(['{"a": 1}\n{"a": 2}\n', '', 'not json', '[1] [2]'])('names a file that is no list: %j', async (text) => {
    const path = await written(text)
    await expect(Array.fromAsync(json.read(path, OPTIONS, []))).rejects.toMatchObject({
      code: 'unreadable_json',
      message: expect.stringContaining(path),
    })
  })

  test('holds one value of a large list', async () => {
    const path = join(await temporaryFolder(), 'large.json')
    const file = createWriteStream(path)
    const row = JSON.stringify({ task: 'softmax', code: 'x'.repeat(10_000) })
    for (let block = 0; block < 400; block += 1) {
      const text = `${block === 0 ? '[' : ','}${Array.from({ length: 100 }, () => row).join(',')}`
      if (!file.write(text)) await once(file, 'drain')
    }
    file.end(']')
    await once(file, 'finish')
    const { rows, megabytes, fileMegabytes } = await peakMemoryOfReading('json', path)
    expect(rows).toBe(40_000)
    expect(fileMegabytes).toBeGreaterThan(400)
    expect(megabytes).toBeLessThan(300)
  })
})

async function written(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'outputs.json')
  await writeFile(path, text)
  return path
}
