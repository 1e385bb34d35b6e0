import { expect, test } from 'vitest'
import { changedBelow } from '../../../extractors/pairing/in-place-changes.ts'
import { indexModule } from '../../../extractors/python/modules.ts'
import { parsePython } from '../../../extractors/python/syntax.ts'

test.each([
  ['x.relu_()', ['x']],
  ['torch.relu_(x)', ['x']],
  ['torch.ops.aten.relu_(x)', ['x']],
  ['torch.ops.aten.xlogy_.Scalar_Other(x, 2)', ['x']],
  ['torch.ops.aten.xlogy.Scalar_Other(x, 2)', []],
  ['torch.ops.aten.relu_(x.clone())', []],
  ['del x[0]', ['x']],
  ['del x[0], y[1]', ['x', 'y']],
  ['del x', []],
  ['del x.grad', []],
])('%s changes %j', async (text, names) => {
  const { file } = await parsePython('code.py', text)
  if (file === null) throw new TypeError('it can be parsed')
  const frame = { id: 0, module: indexModule(file, 'code'), locals: new Set(['x']) }
  expect(changedBelow(frame, file.root)).toEqual(names)
})
