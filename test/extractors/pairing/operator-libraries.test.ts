import { expect, test } from 'vitest'
import { operatorLibraries } from '../../../extractors/pairing/operator-libraries.ts'
import { folderRepository } from '../folder-repository.ts'
import { pairFixture } from './paired-fixture.ts'

const BINDINGS = `#include "ops.h"

TORCH_LIBRARY(scaling, m) {
  m.def("scale(Tensor! out, Tensor x, float by) -> ()");
  m.def("shift(Tensor! out, Tensor x, float by) -> ()");
}

TORCH_LIBRARY_IMPL(scaling, CUDA, m) {
  m.impl("scale", &scale);
  m.impl("shift", &shift);
}
`
const SCALE = `// Copyright 2026 The scaling authors.
#include "ops.h"

__global__ void scale_kernel(float* out, const float* x, float by, int64_t n) {
  int64_t at = blockIdx.x * int64_t(blockDim.x) + threadIdx.x;
  if (at < n) out[at] = x[at] * by;
}

#define LAUNCH(KERNEL) KERNEL<<<(x.numel() + 255) / 256, 256>>>(out.data_ptr<float>(), x.data_ptr<float>(), by, x.numel())

void scale(torch::Tensor& out, const torch::Tensor& x, double by) { LAUNCH(scale_kernel); }
`
const SHIFT = `#include <elsewhere/vectors.h>
#include "ops.h"

__global__ void shift_kernel(float* out, const float* x, float by) { out[threadIdx.x] = x[threadIdx.x] + by; }

void shift(torch::Tensor& out, const torch::Tensor& x, double by) {
  shift_kernel<<<1, x.numel()>>>(out.data_ptr<float>(), x.data_ptr<float>(), by);
}
`
const LIBRARY = `import torch


def scaled(x, by):
    out = torch.empty_like(x)
    torch.ops.scaling.scale.default(out, x, by)
    return out


def shifted(x, by):
    out = torch.empty_like(x)
    torch.ops.scaling.shift(out, x, by)
    return out
`
const TEST = `import torch

from scaling import scaled, shifted


def test_scaled():
    x = torch.randn(300, device="cuda")
    torch.testing.assert_close(scaled(x, 0.5), x * 0.5)


def test_shifted():
    x = torch.randn(300, device="cuda")
    torch.testing.assert_close(shifted(x, 0.5), x + 0.5)
`
const FILES = {
  'csrc/ops.h':
    '#pragma once\n#include <torch/all.h>\nvoid scale(torch::Tensor& out, const torch::Tensor& x, double by);\n',
  'csrc/bindings.cpp': BINDINGS,
  'csrc/scale.cu': SCALE,
  'csrc/shift.cu': SHIFT,
  'scaling.py': LIBRARY,
  'test_scaling.py': TEST,
}

test('an operator is built by the program that calls it, from its own source and what registers it', async () => {
  const { pairs, unpaired } = await pairFixture(await folderRepository(null, FILES))
  const [{ pair } = { pair: null }, ...more] = pairs
  expect([pair?.language, more]).toEqual(['cuda', []])
  const lines = pair?.candidate.split('\n') ?? []
  expect(lines).toEqual(
    expect.arrayContaining([
      'operators_csrc_scale = load_inline(',
      '    is_python_module=False,',
      '__global__ void scale_kernel(float* out, const float* x, float by, int64_t n) {',
      'TORCH_LIBRARY_FRAGMENT(scaling, m) {',
      '  m.def("scale(Tensor! out, Tensor x, float by) -> ()");',
      '  m.impl("scale", &scale);',
      '    torch.ops.scaling.scale.default(out, x, by)',
    ]),
  )
  expect(pair?.candidate).toContain('// Copyright 2026 The scaling authors.')
  expect(lines.filter((line) => /shift|"ops\.h"|<operators>/.test(line))).toEqual([])
  expect(pair?.candidatePieces.map(({ path }) => path)).toEqual([
    'csrc/ops.h',
    'csrc/scale.cu',
    'scaling.py',
    TEST_FILE,
  ])
  expect(unpaired.map(({ kernel, reason, detail }) => [kernel.symbol, reason, detail?.split(': ').at(-1)])).toEqual([
    ['shift_kernel', 'native_build', '<elsewhere/vectors.h> is in no file of the repository'],
  ])
})

const TEST_FILE = 'test_scaling.py'

test('an operator of which several sources define the function, or of another vendor, is left to its own build', () => {
  const made = (files: Record<string, string>): string[] => [
    ...operatorLibraries(new Map(Object.entries(files))).keys(),
  ]
  expect(made(FILES).filter((path) => path.endsWith('.cu'))).toEqual([
    '<operators>/operators_csrc_scale.cu',
    '<operators>/operators_csrc_shift.cu',
  ])
  const { 'csrc/shift.cu': _, ...without } = FILES
  expect(made({ ...without, 'csrc/old/scale.cu': SCALE })).toEqual([])
  expect(made({ ...without, 'csrc/scale.cu': `${SCALE}// __builtin_amdgcn_readfirstlane` })).toEqual([])
})
