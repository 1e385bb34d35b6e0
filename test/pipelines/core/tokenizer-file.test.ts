import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTokenizer } from '../../../pipelines/core/tokenizer-file.ts'
import { countTokens } from '../../../pipelines/core/tokenizer.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const FILE = join(import.meta.dirname, '..', '..', 'fixtures', 'tokenizer', 'tokenizer.json')
const TEXT = 'def softmax(x):\n    return torch.softmax(x, dim=-1)  # größer 数 🙂\n'

test('counts as the Python library does with the same file, and names what it counted with', async () => {
  const tokenizer = await openTokenizer(FILE)
  // tokenizers 0.23.3
  expect(await tokenizer.count(TEXT)).toBe(58)
  expect(tokenizer.name).toBe('tokenizer.json@414659ea4641')
  expect(await tokenizer.count('a'.repeat(300_000))).toBe(300_000)
})

test('knows the bundled encodings by name', async () => {
  const tokenizer = await openTokenizer('cl100k_base')
  expect(tokenizer.name).toBe('cl100k_base')
  expect(await tokenizer.count(TEXT)).toBe(await countTokens(TEXT, 'cl100k_base'))
})

test.each([
  ['{"model": {"type": "BPE"}}', 'broken.json'],
  ['[1, 2', 'no-json.json'],
  [null, 'absent.json'],
])('says which file is no tokenizer: %s', async (text, name) => {
  const path = join(await temporaryFolder(), name)
  if (text !== null) await writeFile(path, text)
  await expect(openTokenizer(path)).rejects.toMatchObject({
    code: 'bad_tokenizer',
    message: expect.stringContaining(name),
  })
})
