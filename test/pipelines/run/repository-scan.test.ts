import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Repository } from '../../../extractors/types.ts'
import { scanOpened } from '../../../pipelines/run/repository-scan.ts'
import { folderRepository } from '../../extractors/folder-repository.ts'
import { COMPARING_TEST, DOUBLING_LIBRARY } from '../small-library.ts'

test('what a scan finds is told kernel by kernel and pair by pair, with a summary that adds up', async () => {
  const repository = await folderRepository(null, {
    'doubling.py': DOUBLING_LIBRARY,
    'test_doubling.py': COMPARING_TEST,
    'broken.cu': Buffer.from([0xff, 0xfe, 0x00, 0x41]),
  })
  const { kernels, pairs, summary } = await scanOpened(repository, new AbortController().signal)
  expect(kernels).toEqual([
    {
      kind: 'kernel',
      language: 'triton',
      path: 'doubling.py',
      entry_point: 'doubling.py::_double_kernel',
      start_line: 6,
      end_line: 9,
      role: 'entry',
      license: null,
    },
  ])
  expect(pairs).toMatchObject([
    {
      kind: 'pair',
      kernel: 'doubling.py::_double_kernel',
      reference: { path: 'test_doubling.py', symbol: null, line: 8, expression: 'x * 2' },
      method: expect.stringMatching(/^test-comparison@\d+$/),
      evidence: { path: 'test_doubling.py', symbol: 'test_double', line: 8 },
      confidence: 0.98,
      self_contained: true,
      reason: null,
    },
  ])
  expect(summary).toMatchObject({
    kind: 'summary',
    kernels: { triton: 1 },
    kernels_with_pair: 1,
    pairs: 1,
    self_contained_pairs: 1,
    unpaired: {},
  })
  expect(Object.values(summary.rejects)).toEqual([1])
})

test('a scan that is told to stop while it pairs stops between two tests', async () => {
  const tests = Array.from({ length: 400 }, (_, at) => [`test_${at}.py`, COMPARING_TEST] as const)
  const files = { 'doubling.py': DOUBLING_LIBRARY, ...Object.fromEntries(tests) }
  const controller = new AbortController()
  const repository = await folderRepository(null, files)
  const scan = scanOpened(abortedWhilePairing(repository, controller), controller.signal)
  await expect(scan).rejects.toThrow('stopped by the test')
})

// Pairing is the second to read: from then on a signal comes as one would from the keyboard, when the event loop next turns.
function abortedWhilePairing(repository: Repository, controller: AbortController): Repository {
  let isListed = false
  return {
    ...repository,
    listFiles: async () => {
      const files = await repository.listFiles()
      if (isListed) void sleep(5).then(() => controller.abort(new Error('stopped by the test')))
      isListed = true
      return files
    },
  }
}
