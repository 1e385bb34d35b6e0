import { expect, test } from 'vitest'
import { installedExtensions } from '../../../extractors/pairing/installed-extensions.ts'
import { folderRepository } from '../folder-repository.ts'
import { pairFixture } from './paired-fixture.ts'

const SETUP = `from setuptools import setup
from torch.utils.cpp_extension import CUDAExtension

setup(
    name="scaling",
    ext_modules=[
        CUDAExtension(
            name="scale_cuda",
            sources=["csrc/scale.cpp", "csrc/scale.cu"],
            extra_compile_args={"nvcc": ["-O3", "--use_fast_math", "-gencode", "arch=compute_80,code=sm_80"]},
        ),
        CUDAExtension(name="generated_cuda", sources=["build/generated.cu"]),
    ],
)
`
const HEADER =
  '#pragma once\n#include <torch/extension.h>\nvoid scale(torch::Tensor out, torch::Tensor x, double by);\n'
const BINDING = '#include "scale.h"\nPYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("scale", &scale); }\n'
const KERNEL = `#include "scale.h"

__global__ void scale_kernel(float* out, const float* x, float by, int64_t n) {
  int64_t at = blockIdx.x * int64_t(blockDim.x) + threadIdx.x;
  if (at < n) out[at] = x[at] * by;
}

void scale(torch::Tensor out, torch::Tensor x, double by) {
  scale_kernel<<<(x.numel() + 255) / 256, 256>>>(out.data_ptr<float>(), x.data_ptr<float>(), by, x.numel());
}
`
const LIBRARY = `import torch

import scale_cuda


def scaled(x, by):
    out = torch.empty_like(x)
    scale_cuda.scale(out, x, by)
    return out


def scale_now(x, by):
    scale_cuda.scale(x, x, by)
    return x
`
const TEST = `import torch

from scaling import scaled


def test_scaled():
    x = torch.randn(300, device="cuda")
    torch.testing.assert_close(scaled(x, 0.5), x * 0.5)
`
const FILES = {
  'setup.py': SETUP,
  'csrc/scale.h': HEADER,
  'csrc/scale.cpp': BINDING,
  'csrc/scale.cu': KERNEL,
  'scaling.py': LIBRARY,
  'test_scaling.py': TEST,
}

test('an extension that an installer builds is built by the program that needs it, from the same files', async () => {
  const { pairs, unpaired } = await pairFixture(await folderRepository(null, FILES))
  expect(unpaired).toEqual([])
  const [{ pair } = { pair: null }, ...more] = pairs
  expect([pair?.language, more]).toEqual(['cuda', []])
  const lines = pair?.candidate.split('\n') ?? []
  expect(lines).toEqual(
    expect.arrayContaining([
      'scale_cuda = load_inline(',
      "    extra_cuda_cflags=['--use_fast_math'],",
      'PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("scale", &scale); }',
      '__global__ void scale_kernel(float* out, const float* x, float by, int64_t n) {',
      '    scale_cuda.scale(out, x, by)',
    ]),
  )
  expect(lines.filter((line) => line.includes('import scale_cuda') || line.includes('"scale.h"'))).toEqual([])
  expect(pair?.candidatePieces.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['csrc/scale.cu', 'csrc/scale.h']),
  )
  expect(pair?.reference).not.toContain('scale_cuda')
})

test('what a native function changes in place is copied where its reference changes it', async () => {
  const test_ = `import torch

from scaling import scale_now


def test_in_place():
    x = torch.randn(300, device="cuda")
    x_ref = x.clone()
    out = scale_now(x, 0.5)
    torch.testing.assert_close(out, torch.mul(x_ref, 0.5, out=x_ref))
`
  const { pairs } = await pairFixture(await folderRepository(null, { ...FILES, 'test_scaling.py': test_ }))
  const [{ pair } = { pair: null }] = pairs
  expect(pair?.candidate.split('\n').slice(-5)).toEqual([
    '    def forward(self, x):',
    '        x = x.clone()',
    '        out = scale_now(x, 0.5)',
    '        return out',
    '',
  ])
})

test('an extension whose sources are made while it is built is left to its installer', () => {
  expect(Object.keys(installedExtensions(new Map(Object.entries(FILES))))).toEqual(['scale_cuda'])
})
