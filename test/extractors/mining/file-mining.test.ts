import { readFile, readdir } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { languages } from '../../../extractors/languages/registry.ts'
import { mineFile } from '../../../extractors/mining/file-mining.ts'
import type { MinedFile } from '../../../extractors/mining/file-mining.ts'
import type { Language } from '../../../extractors/types.ts'
import { enabledPlugins } from '../../../pipelines/core/plugin.ts'

// `<name>.<ending>` with what must be found in it in `<name>.yaml`.
const FIXTURES = join(import.meta.dirname, '../../fixtures/text-parts')
const Expected = z.strictObject({
  kernels: z.array(z.string()),
  launched: z.record(z.string(), z.array(z.int())),
  skipped: z.array(z.string()).default([]),
})
const every = enabledPlugins<Language>(
  languages,
  Object.fromEntries(Object.values(languages).map(({ id, options }) => [id, options.parse({})])),
)
const files = (await readdir(FIXTURES)).filter((name) => !name.endsWith('.yaml'))

describe('a file with kernels inside its cells or strings', () => {
  test.each(files)('%s gives them with their places in the file', async (name) => {
    const expected = Expected.parse(
      parse(await readFile(join(FIXTURES, `${basename(name, extname(name))}.yaml`), 'utf8')),
    )
    const mined = await mineFile(name, await readFile(join(FIXTURES, name)), every)
    expect(summaryOf(mined)).toEqual(expected)
  })

  test('keeps what a kernel in a string means, not how the program spells it', async () => {
    const mined = await mineFile('inline.py', await readFile(join(FIXTURES, 'inline.py')), every)
    const contents = new Map(mined.kernels.map(({ symbol, content }) => [symbol, content]))
    expect(contents.get('joined')).toBe(
      "__global__ void joined(float* x) {\n  if (x[0] == '\\n') return;\n  x[0] = 1;\n}",
    )
    expect(contents.get('whole')).toBe('__global__ void whole(float* x) {\n  x[0] = 1;\n}')
    expect(contents.get('square')).toContain(String.raw`printf("%d\n", i)`)
  })

  test.each([
    ['no JSON', '{"cells": [', 'invalid_notebook'],
    ['JSON of another kind', '[1, 2]', 'invalid_notebook'],
    ['cells that are none', '{"cells": {"a": 1}}', 'invalid_notebook'],
  ])('refuses a notebook that is %s', async (_what, text, reason) => {
    const { refused, kernels } = await mineFile('a.ipynb', Buffer.from(text), every)
    expect([refused, kernels]).toEqual([reason, []])
  })

  test('is only looked into for languages that are wanted', async () => {
    const only = every.filter(({ plugin }) => plugin.id === 'triton')
    const mined = await mineFile('lesson.ipynb', await readFile(join(FIXTURES, 'lesson.ipynb')), only)
    expect(mined.kernels.map(({ symbol }) => symbol)).toEqual(['double'])
  })
})

describe('a file that the search fails on', () => {
  test('is refused, with whether it was too much or a mistake', async () => {
    const failing = (error: Error): Language => ({
      ...languages.triton,
      findKernels: async () => Promise.reject(error),
    })
    const mine = (error: Error) => mineFile('a.py', Buffer.from('x'), [{ plugin: failing(error), options: {} }])
    expect((await mine(new RangeError('Maximum call stack size exceeded'))).refused).toBe('too_hard_to_parse')
    expect((await mine(new TypeError('no such node'))).refused).toBe('search_failed')
  })
})

function summaryOf({ kernels, uses, skipped }: MinedFile): z.infer<typeof Expected> {
  const launches = Map.groupBy(
    uses.filter(({ kind }) => kind === 'launch'),
    ({ symbol }) => symbol,
  )
  return {
    kernels: kernels
      .map((each) => `${each.symbol} ${each.language} ${each.start_line}-${each.end_line} cell ${each.cell}`)
      .toSorted(),
    launched: Object.fromEntries([...launches].map(([symbol, all]) => [symbol, all.map(({ line }) => line)])),
    skipped: skipped.map(({ symbol, line, reason }) => `${symbol}:${line} ${reason}`),
  }
}
