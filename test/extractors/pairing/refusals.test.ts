import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REFUSALS } from '../../../extractors/pairing/refusals.ts'
import { folderRepository } from '../folder-repository.ts'
import { pairFixture } from './paired-fixture.ts'

// One test file a case, put into a small library; the case is named `<reason>--<what it shows>.py`.
const FIXTURES = join(import.meta.dirname, '../../fixtures/pairing/refusals')

const cases = await readdir(join(FIXTURES, 'cases'))

test.each(cases)('a test that gives no pair is refused for what it is: %s', async (name) => {
  const content = await readFile(join(FIXTURES, 'cases', name))
  const { pairs, unpaired } = await refusedIn({ 'test_case.py': content })
  expect(pairs).toEqual([])
  expect(unpaired[0]).toMatchObject({ reason: name.replace(/--.*/, '') })
  if (!name.startsWith('no_test')) expect(unpaired[0]?.detail).toContain('test_case.py')
})

test('code that needs more of the repository than the limit is refused', async () => {
  const body = 'import torch\nfrom ops import double\n\n\ndef test_double():\n    x = torch.randn(9)\n'
  const content = `${body}    torch.testing.assert_close(double(x), x * 2)\n`
  const files = { 'test_case.py': content }
  expect((await refusedIn(files)).pairs).toHaveLength(1)
  const { pairs, unpaired } = await refusedIn(files, { 'test-comparison': { max_closure_lines: 8 } })
  expect([pairs, unpaired[0]?.reason]).toEqual([[], 'too_large'])
})

test('of several refusals for a kernel the one that came furthest is told', async () => {
  const read = (name: string): Promise<Buffer> => readFile(join(FIXTURES, 'cases', name))
  const files = {
    'test_a.py': await read('third_party_import--reference.py'),
    'test_b.py': await read('literal_expectation--written-down.py'),
    'test_c.py': await read('gradient_only--backward.py'),
  }
  const { unpaired } = await refusedIn(files)
  expect(unpaired.map(({ reason }) => reason)).toEqual(['third_party_import'])
})

test('a test of thousands of comparisons is looked at up to a bound, and says so', async () => {
  const start = 'import torch\nfrom ops import double\n\n\ndef test_double():\n    x = torch.randn(9)\n'
  const padded = (count: number): string =>
    `${start}${'    torch.testing.assert_close(x, x)\n'.repeat(count)}    torch.testing.assert_close(double(x), x * 2)\n`
  expect((await refusedIn({ 'test_case.py': padded(100) })).pairs).toHaveLength(1)
  const { pairs, unpaired } = await refusedIn({ 'test_case.py': padded(4000) })
  expect(pairs).toEqual([])
  expect(unpaired[0]).toMatchObject({ reason: 'too_much_work', detail: 'test_case.py:507 in test_double' })
})

test('every reason that a case is named after is one that is documented', () => {
  const reasons = new Set(cases.map((name) => name.replace(/--.*/, '')))
  const known = new Set<string>([...Object.keys(REFUSALS), 'no_test'])
  expect([...reasons].filter((reason) => !known.has(reason))).toEqual([])
  expect(reasons.size).toBeGreaterThanOrEqual(18)
})

test('files that are no Python, or endless nesting, stop nothing else', async () => {
  const good = 'import torch\nfrom ops import double\n\n\ndef test_double():\n    x = torch.randn(9)\n'
  const { pairs } = await refusedIn({
    'test_good.py': `${good}    torch.testing.assert_close(double(x), x * 2)\n`,
    'test_broken.py': 'import torch\ndef test_x(:\n  assert torch.allclose(((\n',
    'test_deep.py': `import torch\ntorch.allclose(${'('.repeat(5000)}1${')'.repeat(5000)}, 1)\n`,
    'test_circle.py':
      'import torch\nfrom test_circle import torch\nfrom . import *\ndef test_a():\n    assert torch.allclose(test_a(), test_a())\n',
    'conftest.py': Buffer.from([0xff, 0xfe, 0x00]),
  })
  expect(pairs.map(({ pair }) => pair.evidence.path)).toEqual(['test_good.py'])
})

async function refusedIn(files: Record<string, string | Buffer>, options: Record<string, unknown> = {}) {
  return pairFixture(await folderRepository(join(FIXTURES, 'repository'), files), options)
}
