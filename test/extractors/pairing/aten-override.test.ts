import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folderRepository } from '../folder-repository.ts'
import { pairFixture } from './paired-fixture.ts'

const LIBRARY = join(import.meta.dirname, '../../fixtures/pairing/refusals/repository')

const OVERRIDES = `import torch
from ops import double

TABLE = (
    ("positive", double),
    ("neg", sum),
    ("exp", sum),
    ("sin", sum),
    ("cos", sum),
)


class use_doubles:
    def __enter__(self):
        self.library = torch.library.Library("aten", "IMPL")

    def __exit__(self, *_):
        del self.library
`
const COMPARES = `import torch
from overrides import use_doubles


def test_positive_double():
    x = torch.randn(9)
    expected = torch.positive(x)
    with use_doubles():
        out = torch.positive(x)
    torch.testing.assert_close(out, expected)
`

test('tables of overrides and the contexts that switch them on are found without being named', async () => {
  const { pairs } = await pairFixture(
    await folderRepository(LIBRARY, { 'overrides.py': OVERRIDES, 'test_positive.py': COMPARES }),
  )
  expect(pairs.map(({ method, pair }) => [method, pair.evidence.symbol])).toEqual([
    ['aten-override@31', 'test_positive_double'],
  ])
  expect(pairs[0]?.pair.candidate).toContain('out = double(x)')
  expect(pairs[0]?.pair.reference).toContain('expected = torch.positive(x)')
})

test('a context that opens no operators of ATen switches nothing on', async () => {
  const harmless = OVERRIDES.replace('self.library = torch.library.Library("aten", "IMPL")', 'self.library = None')
  const { pairs } = await pairFixture(
    await folderRepository(LIBRARY, {
      'overrides.py': `ATEN = torch.library.Library("aten", "IMPL")\n${harmless}`,
      'test_positive.py': COMPARES,
    }),
  )
  expect(pairs).toEqual([])
})
