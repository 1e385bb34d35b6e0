import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findModules } from '../../../extractors/modules/module-tasks.ts'
import type { ModuleProposal, RefusedModule } from '../../../extractors/modules/module-tasks.ts'
import { ModuleOptions } from '../../../extractors/modules/options.ts'

const REPOSITORY = join(import.meta.dirname, '../../fixtures/modules/repository')

describe('modules of a repository', async () => {
  const { proposals, refusals } = await modulesOf()
  const linesOf = (name: string, at = 0): string[] =>
    proposals
      .get(name)
      ?.programs[at]?.reference.split('\n')
      .map((line) => line.trim()) ?? []

  test('are found by what they are, and the others are left with the reason', () => {
    expect([...proposals.keys()]).toEqual(['Gate', 'Head', 'ConvBlock', 'Words', 'FocalLoss', 'Encoder'])
    expect(refusals).toEqual([
      { name: 'Residual', path: 'layers.py', reason: 'constructor_arguments', detail: 'what fn is cannot be told' },
      { name: 'Double', path: 'layers.py', reason: 'kernel_inside', detail: 'it launches _double_kernel' },
    ])
  })

  test('are made and called as the repository does it, where it does', () => {
    expect(linesOf('ConvBlock')).toEqual(
      expect.arrayContaining(['return [torch.rand(2, 3, 20, 20)]', 'return [3, 8, 5]', 'self.eval()']),
    )
    expect(proposals.get('ConvBlock')?.programs[0]?.workloads).toEqual([{}])
  })

  test('are otherwise made by the names of their parameters, and called by their first layers', () => {
    expect(linesOf('Gate')).toEqual(
      expect.arrayContaining(['class Model(Gate):', 'return [torch.randn(BATCH, LENGTH, 64)]', 'return [64]']),
    )
    expect(linesOf('Gate', 1)).toContain('return [torch.randn(BATCH, 64)]')
    expect(linesOf('Head')).toEqual(expect.arrayContaining(['class Gate(nn.Module):', 'return [64]']))
    expect(linesOf('ConvBlock', 1)).toContain('return [torch.randn(BATCH, 3, HEIGHT, WIDTH)]')
    expect(linesOf('Words')).toContain('return [torch.randint(0, 128, (BATCH, LENGTH))]')
    expect(linesOf('FocalLoss')).toContain('return [0.5]')
    expect(linesOf('FocalLoss', 1)).toContain(
      'return [torch.randn(BATCH, 64, HEIGHT, WIDTH), torch.randint(0, 64, (BATCH, HEIGHT, WIDTH))]',
    )
    expect(linesOf('Encoder')).toEqual(
      expect.arrayContaining([
        'def __init__(self, dim_in, depth):',
        'super().__init__(dim_in, depth=depth)',
        'self.eval()',
        'return [64, 2]',
      ]),
    )
    expect(proposals.get('Gate')?.programs[0]?.workloads).toEqual([
      { BATCH: '4', LENGTH: '32' },
      { BATCH: '16', LENGTH: '512' },
      { BATCH: '1', LENGTH: '1' },
      { BATCH: '7', LENGTH: '127' },
      { BATCH: '3', LENGTH: '257' },
    ])
  })
})

async function modulesOf() {
  const names = await readdir(REPOSITORY)
  const texts = await Promise.all(
    names.map(async (name) => [name, await readFile(join(REPOSITORY, name), 'utf8')] as const),
  )
  const kernel = {
    id: 'k',
    language: 'triton',
    symbol: '_double_kernel',
    path: 'kernels.py',
    startLine: 6,
    endLine: 9,
    role: 'entry' as const,
  }
  const input = { repository: { name: 'r', commitSha: 'c' }, kernels: [kernel], files: new Map(texts) }
  const proposals = new Map<string, ModuleProposal>()
  const refusals: RefusedModule[] = []
  for await (const found of findModules(input, ModuleOptions.parse({}))) {
    if ('refusal' in found) refusals.push(found.refusal)
    else proposals.set(found.proposal.name, found.proposal)
  }
  return { proposals, refusals }
}
