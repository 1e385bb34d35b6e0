import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { jsonl } from '../../../extractors/imports/jsonl.ts'
import type { ImportedRow } from '../../../extractors/types.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

describe('jsonl', () => {
  test('gives every line with its number, also after lines that cannot be read', async () => {
    const rows = await read([
      '{"task": "softmax"}\n',
      '\n',
      '{"task": \n',
      Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
      '"größer 🙂"',
    ])
    expect(rows).toMatchObject([
      { row: 1, value: { task: 'softmax' } },
      { row: 3, reason: 'bad_json' },
      { row: 4, reason: 'not_utf8' },
      { row: 5, value: 'größer 🙂' },
    ])
    expect(rows[1]).toMatchObject({ detail: expect.stringMatching(/^outputs\.jsonl:3 is not JSON: /) })
  })

  test('skips a line above the limit and reads on behind it', async () => {
    const long = `"${'x'.repeat(300_000)}"\n`
    const rows = await read([long, '"short"\n', long.trimEnd()], { max_line_bytes: 200_000 })
    expect(rows).toMatchObject([
      {
        row: 1,
        reason: 'line_too_long',
        detail: expect.stringMatching(/:1 has more than 200000 bytes; raise max_line_/),
      },
      { row: 2, value: 'short' },
      { row: 3, reason: 'line_too_long' },
    ])
  })

  test('takes a line of exactly the limit', async () => {
    expect(await read(['"abcd"\n'], { max_line_bytes: 6 })).toEqual([{ row: 1, value: 'abcd' }])
  })

  test('does not hold in memory what it skips', async () => {
    const member = gzipSync(Buffer.alloc(10_000_000, 'y'))
    const before = process.memoryUsage().rss
    const rows = await read(Array<Buffer>(40).fill(member), { max_line_bytes: 1_000_000 }, 'outputs.jsonl.gz')
    expect(rows).toMatchObject([{ row: 1, reason: 'line_too_long' }])
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  })

  test('unpacks gzip while reading', async () => {
    const rows = await read([gzipSync('{"a": 1}\r\n{"a": 2}\r\n')], {}, 'outputs.jsonl.gz')
    expect(rows).toEqual([
      { row: 1, value: { a: 1 } },
      { row: 2, value: { a: 2 } },
    ])
  })

  test('names a gzip file that is cut off', async () => {
    const cut = gzipSync('{"a": 1}\n'.repeat(1000)).subarray(0, 40)
    await expect(read([cut], {}, 'outputs.jsonl.gz')).rejects.toMatchObject({
      code: 'unreadable_gzip',
      message: expect.stringContaining('outputs.jsonl.gz'),
    })
  })

  test('survives a value nested as deep as a line allows', async () => {
    const rows = await read([`${'['.repeat(500_000)}${']'.repeat(500_000)}\n`, '"next"\n'])
    expect(rows.map(({ row }) => row)).toEqual([1, 2])
  })
})

async function read(pieces: (string | Buffer)[], options = {}, name = 'outputs.jsonl'): Promise<ImportedRow[]> {
  const path = join(await temporaryFolder(), name)
  await writeFile(path, Buffer.concat(pieces.map((piece) => Buffer.from(piece))))
  return Array.fromAsync(jsonl.read(path, jsonl.options.parse(options), []))
}
