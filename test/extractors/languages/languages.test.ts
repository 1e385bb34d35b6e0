import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { languages } from '../../../extractors/languages/registry.ts'
import type { FoundKernels, Language } from '../../../extractors/types.ts'

// `<language>/<file>` with what must be found in it in `<file without ending>.yaml`.
const FIXTURES = join(import.meta.dirname, '../../fixtures/languages')

const Expected = z.strictObject({
  kernels: z.array(
    z.strictObject({
      symbol: z.string(),
      role: z.enum(['entry', 'helper']),
      lines: z.tuple([z.int(), z.int()]),
      signature: z.string(),
      /** `function:line` of the launches in the file itself. */
      launched: z.array(z.string()),
      autotune_configs: z.int().optional(),
    }),
  ),
  /** `symbol:line reason` */
  skipped: z.array(z.string()).optional(),
})

const KERNEL_HALVES = `import triton
@triton.jit
def (
extern "C" __global__ void f(
template <typename T> __global__
TORCH_LIBRARY(a, m) { m.def("f", &f
`

const registry: Readonly<Record<string, Language>> = languages
const files = await readdir(FIXTURES, { recursive: true, withFileTypes: true })
const cases = files
  .filter((entry) => entry.isFile() && !entry.name.endsWith('.yaml'))
  .map(({ parentPath, name }) => ({ id: parentPath.slice(FIXTURES.length + 1), name, path: join(parentPath, name) }))

test.each(cases)('$id finds in $name what is expected', async ({ id, name, path }) => {
  const expected = Expected.parse(parse(await readFile(path.replace(/\.\w+$/, '.yaml'), 'utf8')))
  const found = await findIn(id, name, await readFile(path, 'utf8'))
  expect(summaryOf(found)).toEqual(expected)
})

test('every language has fixtures', () => {
  expect(new Set(cases.map(({ id }) => id))).toEqual(new Set(Object.keys(registry)))
})

describe.each(Object.keys(registry))('%s', (id) => {
  const extension = registry[id]?.extensions[0] ?? ''

  test.each([
    ['an empty file', ''],
    ['a file without line ends', 'x'.repeat(100_000)],
    ['endless nesting', '{('.repeat(20_000)],
    ['an open string', '"'.repeat(9_999)],
    ['lone surrogates and control characters', 'a\u0000b\ud800c\u202ed @triton.jit __global__ void TORCH_LIBRARY'],
    ['half a kernel', KERNEL_HALVES],
    // Read one after the other: the grammar for Python by itself would take hours.
    ['fifty thousand comments', `import triton, gluon, tilelang, cute\n${'# a comment\n'.repeat(50_000)}__global__`],
    ['fifty thousand comments of C', `${'// a comment\n'.repeat(50_000)}__global__ void TORCH_LIBRARY sycl`],
  ])('takes %s for no kernel that is whole, and does not fail', async (_name, text) => {
    const { kernels } = await findIn(id, `file${extension}`, text)
    for (const { startLine, endLine } of kernels) expect(endLine).toBeGreaterThanOrEqual(startLine)
  })

  test('gives the same for other line ends', async () => {
    for (const { path, name } of cases.filter((each) => each.id === id)) {
      const text = await readFile(path, 'utf8')
      const [unix, dos] = [await findIn(id, name, text), await findIn(id, name, text.replaceAll('\n', '\r\n'))]
      expect(summaryOf(dos)).toEqual(summaryOf(unix))
    }
  })
})

test('a kernel behind a long string of what looks like comments is found', async () => {
  const string = ['"""', ...Array.from({ length: 150 }, () => '# a'), '# b'].join('\n') + '"""'
  const text = `import triton\nx = ${string}\n\n\n@triton.jit\ndef kernel(x):\n    pass\n\n\ny = """z"""\n`
  const { kernels } = await findIn('triton', 'a.py', text)
  expect(kernels.map(({ symbol, startLine }) => [symbol, startLine])).toEqual([['kernel', 156]])
})

async function findIn(id: string, path: string, text: string): Promise<FoundKernels> {
  const language = registry[id]
  if (language === undefined) throw new Error(`no language ${id}`)
  return language.findKernels({ path, text }, language.options.parse({}))
}

function summaryOf({ kernels, skipped }: FoundKernels): z.infer<typeof Expected> {
  return {
    kernels: kernels.map(({ symbol, role, startLine, endLine, signature, launchSites, autotuneConfigs }) => ({
      symbol,
      role,
      lines: [startLine, endLine],
      signature: signature.replaceAll(/\s+/g, ' '),
      launched: launchSites.map((site) => `${site.function ?? 'top'}:${site.line}`),
      ...(autotuneConfigs === 0 ? {} : { autotune_configs: autotuneConfigs }),
    })),
    ...(skipped.length === 0 ? {} : { skipped: skipped.map((each) => `${each.symbol}:${each.line} ${each.reason}`) }),
  }
}
