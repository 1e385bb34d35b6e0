import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { languages } from '../../../extractors/languages/registry.ts'
import { openFileMiner } from '../../../extractors/mining/file-miner.ts'
import { mineFile } from '../../../extractors/mining/file-mining.ts'

const enabled = [languages.triton, languages.cuda].map((plugin) => ({ plugin, options: {} }))
const miner = openFileMiner(enabled, 3)
afterAll(() => miner.close())

const folder = join(import.meta.dirname, '../../fixtures/languages/cuda')
const names = await readdir(folder)
const texts = await Promise.all(names.map(async (name) => ({ name, content: await readFile(join(folder, name)) })))

describe('a file miner', () => {
  test('finds in threads what is found without, for more files than threads', async () => {
    const many = [...texts, ...texts, ...texts]
    const found = await Promise.all(many.map(({ name, content }) => miner.mine(name, content)))
    const expected = await Promise.all(many.map(({ name, content }) => mineFile(name, content, enabled)))
    expect(found).toEqual(expected)
    expect(found.some(({ kernels }) => kernels.length > 0)).toBe(true)
  })

  test('refuses a file whose content is absent, as without threads', async () => {
    expect((await miner.mine('a.cu', null)).refused).toBe('blob_absent')
  })

  test('loses a thread to a file that takes all of its memory, and neither other files nor itself', async () => {
    // What the parser makes of it needs about a thousand times its size.
    const small = openFileMiner(enabled, 2, 64)
    const heavy = Buffer.from(`import triton\n${'f(a, b)\n'.repeat(150_000)}`)
    const light = texts.filter(({ name }) => name === 'definitions.cu')
    const [refused, ...found] = await Promise.all([
      small.mine('heavy.py', heavy),
      ...light.map(({ name, content }) => small.mine(name, content)),
    ])
    const again = await Promise.all(light.map(({ name, content }) => small.mine(name, content)))
    await small.close()
    expect(refused.refused).toBe('too_hard_to_parse')
    expect([...found, ...again].map(({ kernels }) => kernels.length > 0)).toEqual([...light, ...light].map(() => true))
  })
})
