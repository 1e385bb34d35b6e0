import { describe, expect, test } from 'vitest'
import { TOKENIZER_NAMES, countTokens } from '../../../pipelines/core/tokenizer.ts'

// Counts that tiktoken 0.14.0 gives for the same text.
const TEXT = 'def softmax(x):\n    return torch.softmax(x, dim=-1)  # größer 数 🙂\n'

describe('countTokens', () => {
  test('counts as the named encoding does', async () => {
    const counts = await Promise.all(TOKENIZER_NAMES.map((name) => countTokens(TEXT, name)))
    expect(Object.fromEntries(TOKENIZER_NAMES.map((name, index) => [name, counts[index]]))).toEqual({
      o200k_base: 20,
      cl100k_base: 21,
      p50k_base: 31,
      r50k_base: 33,
    })
  })

  test('takes the names of special tokens for text', async () => {
    expect(await countTokens('ends with <|endoftext|>')).toBe(9)
  })

  test.each([
    ['one letter', 'a'.repeat(300_000)],
    ['spaces', ' '.repeat(300_000)],
    ['marks on signs', '=\u0301'.repeat(150_000)],
  ])('is done with a text of nothing but %s', async (_, text) => {
    // Uncut, each of these runs for more than the 60 seconds a test has.
    expect(await countTokens(text)).toBeGreaterThan(100)
  })

  test('changes nothing by cutting text that has no long runs', async () => {
    const line = `${TEXT.trim()}\n`
    expect(await countTokens(line.repeat(400))).toBe(400 * (await countTokens(line)))
  })

  test('counts nothing in an empty text', async () => {
    expect(await countTokens('')).toBe(0)
  })
})
