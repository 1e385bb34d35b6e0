import { expect, test } from 'vitest'
import { nativeIndex } from '../../../extractors/pairing/native-index.ts'
import type { MinedKernel } from '../../../extractors/types.ts'

const KERNEL =
  '__global__ void add_kernel(float* x) { x[0] += 1; }\n__global__ void other_kernel(float* x) { x[0] = 0; }\n'
const LAUNCH = 'void add(float* x) { add_kernel<<<1, 1>>>(x); }\n'

test('a registered operator leads to the kernels that its function launches, through others', () => {
  const through =
    'void add_outer(float* x) { if (x) add(x); }\nPYBIND11_MODULE(ext, m) { m.def("plus_one", &add_outer); }\n'
  expect(behind({ 'ops.cu': KERNEL + LAUNCH + through }, 'plus_one')).toEqual(['add_kernel'])
})

test('a macro that launches kernels is followed where it is used', () => {
  const macro =
    '#define LAUNCH(KERNEL, x) \\\n  do { \\\n    KERNEL<<<1, 1>>>(x); \\\n    add_kernel<<<1, 1>>>(x); \\\n  } while (0)\n'
  const used =
    'void twice(float* x) { LAUNCH(other_kernel, x); }\nTORCH_LIBRARY(ns, m) { m.def("twice(Tensor x) -> ()", &twice); }\n'
  expect(behind({ 'ops.cu': KERNEL + macro + used }, 'twice')).toEqual(['add_kernel', 'other_kernel'])
})

test('functions with C linkage and exported ones are offered by name, static ones are not', () => {
  const linked = `extern "C" {\nvoid cadd(float* x) { add(x); }\nstatic void chidden(float* x) { add(x); }\n}\n`
  const exported = 'TVM_FFI_DLL_EXPORT_TYPED_FUNC(fadd, add);\n'
  const files = { 'ops.cu': KERNEL + LAUNCH + linked + exported }
  expect(behind(files, 'cadd')).toEqual(['add_kernel'])
  expect(behind(files, 'fadd')).toEqual(['add_kernel'])
  expect(behind(files, 'chidden')).toEqual([])
})

test('a name of many extensions is told by the extension that it is called of, and else by none', () => {
  const offering = (kernel: string): string =>
    `__global__ void ${kernel}(float* x) {}\nvoid forward(float* x) { ${kernel}<<<1, 1>>>(x); }\nPYBIND11_MODULE(e, m) { m.def("forward", &forward); }\n`
  const setup = 'CUDAExtension(name="norm_ext", sources=["b/ops.cu"])\n'
  const files = {
    'a/ops.cu': offering('a_kernel'),
    'b/ops.cu': offering('b_kernel'),
    'c/ops.cu': offering('c_kernel'),
    'setup.py': setup,
  }
  expect(behind(files, 'forward', 'norm_ext')).toEqual(['b_kernel'])
  expect(behind(files, 'forward')).toEqual([])
})

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}

function behind(files: Record<string, string>, name: string, extension: string | null = null): string[] {
  const kernels = Object.entries(files).flatMap(([path, text]) =>
    [...text.matchAll(/__global__ void (\w+)/g)].map(([, symbol = '']): MinedKernel => {
      return { id: `${path}:${symbol}`, language: 'cuda', symbol, path, startLine: 1, endLine: 1, role: 'entry' }
    }),
  )
  const index = nativeIndex(kernels, new Map(Object.entries(files)))
  return index
    .kernelsBehind([{ name, extension }])
    .map(({ symbol }) => symbol)
    .toSorted(byText)
}
