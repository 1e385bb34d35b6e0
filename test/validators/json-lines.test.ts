import { describe, expect, test } from 'vitest'
import { readJsonLines } from '../../validators/json-lines.ts'
import { MAX_LINE_BYTES } from '../../validators/protocol.ts'

describe('lines of JSON', () => {
  test('are read whatever pieces they come in', async () => {
    const bytes = Buffer.from('{"a":"ü"}\n[1,2]\n"last"\n')
    for (const size of [1, 3, bytes.length])
      expect(await Array.fromAsync(readJsonLines(inPieces(bytes, size)))).toEqual([{ a: 'ü' }, [1, 2], 'last'])
  })

  test('that are no JSON, or do not end, are errors', async () => {
    await expect(Array.fromAsync(readJsonLines(inPieces(Buffer.from('PASSED\n'), 9)))).rejects.toThrow(SyntaxError)
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(MAX_LINE_BYTES / 4)
    })()
    await expect(Array.fromAsync(readJsonLines(endless))).rejects.toThrow('a line of more than')
  })
})

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}
