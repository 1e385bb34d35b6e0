import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folderRepository } from '../folder-repository.ts'
import { pairFixture } from './paired-fixture.ts'

const LIBRARY = join(import.meta.dirname, '../../fixtures/pairing/refusals/repository')

const REGISTERED = `import torch
from torch.library import register_kernel

from ops import double


@register_kernel("demo::twice", "cuda")
def _(x):
    return double(x)


@register_kernel("demo::other", "cuda")
def _(x):
    return x
`
const DEFAULT = `import torch
from torch.library import register_kernel


@register_kernel("demo::twice", "default")
def _(x):
    return torch.add(x, x)
`

test('an operator with kernels for one backend and PyTorch for another tells the reference', async () => {
  expect(await foundIn({ 'cuda_ops.py': REGISTERED, 'default_ops.py': DEFAULT })).toEqual([
    {
      by: 'operator-registration@1',
      reason: 'no_inputs',
      evidence: {
        path: 'cuda_ops.py',
        symbol: 'demo::twice',
        line: 7,
        expression: 'register_kernel("demo::twice", "cuda")',
        confidence: 0.97,
        reference: {
          path: 'default_ops.py',
          symbol: 'demo::twice',
          line: 6,
          expression: 'register_kernel("demo::twice", "default")',
        },
      },
    },
  ])
})

test('two backends of which neither is said to be plain tell nothing', async () => {
  const other = DEFAULT.replace('"default"', '"hpu"')
  expect(await foundIn({ 'cuda_ops.py': REGISTERED, 'default_ops.py': other })).toMatchObject([
    { by: null, evidence: null },
  ])
})

test('a test that calls an operator reaches what is registered for it, and nothing that only shares its name', async () => {
  const compares = `import torch

import cuda_ops


def test_twice_double():
    x = torch.randn(9)
    torch.testing.assert_close(torch.ops.demo.NAME(x), x * 2)
`
  const [twice] = await foundIn({ 'cuda_ops.py': REGISTERED, 'test_twice.py': compares.replace('NAME', 'twice') })
  expect(twice).toMatchObject({ reason: 'native_build', evidence: { path: 'test_twice.py', reference: { line: 8 } } })
  const [other] = await foundIn({ 'cuda_ops.py': REGISTERED, 'test_twice.py': compares.replace('NAME', 'other') })
  expect(other).toMatchObject({ reason: 'no_test' })
})

test('a function that only fails stands for what is registered under its name', async () => {
  const dispatched = `from backends import dispatch, register_impl

from ops import double


@dispatch("twice", fallback="triton")
def twice(x):
    """Doubles."""
    raise NotImplementedError("no backend")


@register_impl("twice", backend="triton")
def _twice(x):
    return double(x)
`
  const compares = `import torch

from dispatched import twice


def test_twice_double():
    x = torch.randn(9)
    torch.testing.assert_close(twice(x), x * 2)
`
  const files = { 'backends.py': 'def dispatch(n, **_): ...\ndef register_impl(n, backend): ...\n' }
  const [found] = await foundIn({ ...files, 'dispatched.py': dispatched, 'test_twice.py': compares })
  expect(found).toMatchObject({
    reason: 'invalid_result',
    evidence: { path: 'test_twice.py', symbol: 'test_twice_double' },
  })
})

const TABLE = `import torch
from ops import double

aten = torch.library.Library("aten", "IMPL")
TABLE = (
    ("mul.Tensor", double),
    ("add.Tensor", sum),
    ("sub.Tensor", sum),
    ("div.Tensor", sum),
    ("neg", sum),
)
`

test('a table of functions in place of ATen operators tells the operator', async () => {
  const [found] = await foundIn({ 'overrides.py': TABLE })
  expect(found).toMatchObject({
    by: 'operator-registration@1',
    reason: 'no_inputs',
    evidence: { path: 'overrides.py', line: 6, confidence: 0.9, reference: { symbol: 'torch.ops.aten.mul.Tensor' } },
  })
})

test('an operator that draws random numbers, writes in place or gives a view is no reference', async () => {
  for (const name of ['rand_like', 'mul_.Tensor', 'add.out', 'transpose.int', '__imul__.Tensor']) {
    const [found] = await foundIn({ 'overrides.py': TABLE.replace('mul.Tensor', name) })
    expect([name, found?.evidence]).toEqual([name, null])
  }
})

async function foundIn(files: Record<string, string>) {
  const { pairs, unpaired } = await pairFixture(await folderRepository(LIBRARY, files))
  expect(pairs).toEqual([])
  return unpaired.map(({ by, reason, evidence }) => ({ by, reason, evidence }))
}
