import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folderRepository } from '../folder-repository.ts'
import { pairFixture } from './paired-fixture.ts'

const LIBRARY = join(import.meta.dirname, '../../fixtures/pairing/refusals/repository')

const LAYER = `import torch

from ops import double


class Double(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.op = double

    def forward_native(self, x, scale=1):
        return torch.mul(x, 2) * scale

    def forward_cuda(self, x, scale=1):
        return self.op(x) * scale
`

test('a class that holds one forward pass in PyTorch and the same with kernels tells the reference', async () => {
  expect(await foundIn(LAYER)).toEqual({
    by: 'eager-twin@1',
    reason: 'no_inputs',
    evidence: {
      path: 'layers.py',
      symbol: 'Double.forward_cuda',
      line: 14,
      expression: 'def forward_cuda(self, x, scale=1):',
      confidence: 0.85,
      reference: {
        path: 'layers.py',
        symbol: 'Double.forward_native',
        line: 11,
        expression: 'def forward_native(self, x, scale=1):',
      },
    },
  })
})

test.each([
  ['it takes other parameters', LAYER.replace('forward_cuda(self, x, scale=1)', 'forward_cuda(self, x)')],
  ['its plain half reaches a kernel', LAYER.replace('torch.mul(x, 2) * scale', 'torch.abs(double(x))')],
  ['its plain half computes nothing', LAYER.replace('return torch.mul(x, 2) * scale', 'raise NotImplementedError')],
  ['nothing in its names points to the kernel', LAYER.replaceAll('Double', 'Thing').replace('op = double', 'op = alias').replace('import double', 'import double as alias')], // prettier-ignore
])('a class is no proof where %s', async (_, text) => {
  expect((await foundIn(text))?.evidence).toBeNull()
})

async function foundIn(text: string) {
  const { unpaired } = await pairFixture(await folderRepository(LIBRARY, { 'layers.py': text }))
  return unpaired.map(({ by, reason, evidence }) => ({ by, reason, evidence }))[0]
}
