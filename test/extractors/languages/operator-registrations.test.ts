import { expect, test } from 'vitest'
import { operatorRegistrations } from '../../../extractors/languages/operator-registrations.ts'

const SCHEMAS = `TORCH_LIBRARY(shop, m) {
  // m.def("sold_out(Tensor x) -> Tensor");
  m.def("weigh(Tensor x, float by) "
        "-> Tensor");
  m.def("pack.out(Tensor x, *, Tensor! out) -> ()");
  m.def("count", &count_items);
  m.impl("weigh", torch::kCPU, &weigh_cpu);
}
`

test('schemas and functions of operators are put together from several files; other devices are left out', () => {
  const functions = `TORCH_LIBRARY_IMPL(shop, CUDA, library) {
  library.impl("weigh", TORCH_FN(shop::weigh_cuda));
  library.impl("pack.out", &pack_out);
  library.impl("weigh", [](Tensor x) { return x; });
  library.impl("borrowed", &borrowed);
}
TORCH_LIBRARY_IMPL(shop, CPU, library) { library.impl("pack.out", &pack_out_cpu); }
`
  const found = operatorRegistrations([functions, SCHEMAS, 'int weigh;'])
  expect(found.map(({ name, overload, symbol, implementation }) => [name, overload, symbol, implementation])).toEqual([
    ['weigh', 'weigh', 'shop::weigh_cuda', 'TORCH_FN(shop::weigh_cuda)'],
    ['pack', 'pack.out', 'pack_out', '&pack_out'],
    ['count', 'count', 'count_items', '&count_items'],
  ])
  expect(found.map(({ schema }) => schema?.replaceAll(/\s+/g, ' '))).toEqual([
    '"weigh(Tensor x, float by) " "-> Tensor"',
    '"pack.out(Tensor x, *, Tensor! out) -> ()"',
    undefined,
  ])
})

test('calls and blocks that nobody closes are passed over in one go', () => {
  const open = 'TORCH_LIBRARY(shop, m) {\n'.repeat(20_000) + 'm.def("weigh(Tensor x) -> Tensor", '.repeat(1000)
  expect(operatorRegistrations([open])).toEqual([])
})
