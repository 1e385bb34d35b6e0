import { describe, expect, test } from 'vitest'
import { claimsOf } from '../../../filters/trace/claims.ts'
import type { Evaluation } from '../../../pipelines/core/records/evaluation.ts'
import { aCandidate, aTask, anEvaluation } from '../../records.ts'
import { figuresOf, labelledTraces } from './labelled-claims.ts'

const TASK = aTask()
const TRITON = `import triton
import triton.language as tl


@triton.jit
def rows_kernel(x_ptr, out_ptr, size, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    offsets = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * size + offsets, mask=offsets < size)


def launch(x):
    rows_kernel[(4,)](x, x, 100, BLOCK=256, num_warps=8)
`
const CUDA = `SOURCE = """
__global__ void scale_kernel(const float* x, float* out, int size) {
    __shared__ float tile[256];
    const float4* wide = reinterpret_cast<const float4*>(x);
    #pragma unroll
    for (int i = 0; i < 4; ++i) tile[i] = wide[0].x;
    atomicAdd(out, tile[0]);
}
"""
BLOCK = dim3(16, 16)
`

describe('a claim that holds', () => {
  test.each([
    [
      'triton',
      'The block size is 256.',
      'block_size 256',
      'line 13: rows_kernel[(4,)](x, x, 100, BLOCK=256, num_warps=8)',
    ],
    [
      'triton',
      'I launch it with num_warps=8.',
      'num_warps 8',
      'line 13: rows_kernel[(4,)](x, x, 100, BLOCK=256, num_warps=8)',
    ],
    [
      'triton',
      'One program of `rows_kernel` per row.',
      'name rows_kernel',
      'line 6: def rows_kernel(x_ptr, out_ptr, size, BLOCK: tl.constexpr):',
    ],
    [
      'triton',
      'Masked loads cover the tail.',
      'masking',
      'line 9: x = tl.load(x_ptr + row * size + offsets, mask=offsets < size)',
    ],
    ['cuda', 'The tile lives in shared memory.', 'shared_memory', 'line 3: __shared__ float tile[256];'],
    [
      'cuda',
      'It uses vectorised float4 loads.',
      'vector_loads',
      'line 4: const float4* wide = reinterpret_cast<const float4*>(x);',
    ],
    ['cuda', 'Each block has 256 threads per block.', 'block_size 256', 'line 3: __shared__ float tile[256];'],
    ['cuda', 'The inner loop is unrolled.', 'unrolling', 'line 5: #pragma unroll'],
    ['cuda', 'The partial sums are added with atomics.', 'atomics', 'line 7: atomicAdd(out, tile[0]);'],
  ])('%s: %s', (language, trace, claim, evidence) => {
    expect(check(language, trace)).toEqual([{ claim, holds: true, evidence }])
  })

  test('counts beside a negation of something else, and in the clause after one', () => {
    const trace = 'Atomics would be slow, so `rows_kernel` has one program per row without any shared memory.'
    expect(check('triton', trace)).toMatchObject([{ claim: 'name rows_kernel', holds: true }])
  })

  test('is read over the end of a line', () => {
    expect(check('triton', 'The block\nsize is\n256. No\nshared memory is used.')).toMatchObject([
      { claim: 'block_size 256' },
    ])
  })

  test('may be a product', () => {
    expect(claimsOf('The block size of 512 keeps occupancy high.', judged('dim3(32, 16)', 'cuda'))).toMatchObject([
      { claim: 'block_size 512', holds: true, evidence: '32, 16 is 512' },
    ])
  })

  test('may be shown by ptxas', () => {
    const claims = check('cuda', 'It takes 40 registers per thread. There are zero spills.', [withPtxas(40, 0)])
    expect(claims).toEqual([
      { claim: 'registers 40', holds: true, evidence: 'ptxas: 40 registers in scale_kernel(float*)' },
      { claim: 'no_spills', holds: true, evidence: 'ptxas: nothing spilled' },
    ])
  })
})

describe('a claim that does not hold', () => {
  test.each([
    ['triton', 'The block size is 1024.', 'block_size 1024'],
    ['triton', 'I stage rows in shared memory.', 'shared_memory'],
    ['triton', 'The work is done by `softmax_kernel`.', 'name softmax_kernel'],
    ['triton', 'It runs on tensor cores.', 'tensor_cores'],
    ['cuda', 'Rows are reduced by warp shuffles.', 'warp_shuffle'],
    ['cuda', 'A grid-stride loop covers the rest.', 'grid_stride_loop'],
  ])('%s: %s', (language, trace, claim) => {
    expect(check(language, trace)).toEqual([{ claim, holds: false, evidence: `said: ${trace}` }])
  })

  test('may be refuted by ptxas', () => {
    const claims = check('cuda', 'It takes 32 registers per thread. There are zero spills.', [withPtxas(40, 8)])
    expect(claims.map(({ claim, holds }) => [claim, holds])).toEqual([
      ['registers 32', false],
      ['no_spills', false],
    ])
  })
})

// A claim that is held to be false costs a row. `node bench/claims.ts --errors` names each one that is not as labelled.
describe('among traces in which people have labelled every claim', () => {
  test.each(['tuned', 'held-out', 'unseen'] as const)(
    '%s: nothing true is held to be false, little is missed',
    (set) => {
      const figures = figuresOf(labelledTraces(set))
      expect(figures.accusedWrongly).toEqual([])
      expect(figures.believedWrongly).toEqual([])
      expect(figures.invented.length).toBeLessThanOrEqual(0.05 * figures.found)
      expect(figures.missed.length).toBeLessThanOrEqual(0.06 * figures.labelled)
      expect(figures.accusedRightly).toBeGreaterThanOrEqual(0.95 * figures.labelledFalse)
    },
  )
})

describe('what is no claim', () => {
  test.each([
    'I could use shared memory here.',
    'Should the block size be 1024?',
    'Instead of atomics, each row has its own program.',
    'The kernel is not unrolled.',
    'If the block size is 1024, registers spill.',
    'It takes 32 registers per thread.',
    'Let me think about `x` and `torch`.',
    'I considered shared memory, yet every value is used once.',
    'cuBLAS runs this on tensor cores.',
    'Shared memory is not needed here.',
    'Let me stage the row in shared memory. Hmm, registers are enough.',
    'I stage the row in shared memory. Later on, though, it turns out that no shared memory is needed.',
    '```python\nBLOCK = 1024  # block size is 1024\n```',
    '',
  ])('%s', (trace) => {
    expect(check('triton', trace)).toEqual([])
  })

  test('counts once however often it is made', () => {
    expect(
      check('triton', 'The block size is 256. Again, the block size is 256.\n\nThe block size is 256.'),
    ).toHaveLength(1)
  })

  // Quadratic behaviour would run into the time limit.
  test.each(['`a_', ' block size', 'vectorized ', '. wait ', '```\n', 'num_warps='])(
    'is found out at once in a trace of a million characters of %j',
    (piece) => {
      expect(check('cuda', piece.repeat(1_000_000 / piece.length))).toEqual([])
    },
  )
})

test('thousands of names are looked up in the code at once', () => {
  const trace = Array.from({ length: 20_000 }, (_, index) => `It is \`name_${index}\`.`).join(' ')
  expect(check('triton', trace)).toHaveLength(20_000)
})

function check(language: string, trace: string, evaluations: readonly Evaluation[] = []) {
  return claimsOf(trace, { ...judged(language === 'cuda' ? CUDA : TRITON, language), evaluations })
}

function judged(content: string, language: string) {
  const candidate = aCandidate(TASK, { language, sources: [{ path: 'kernel.py', content }] })
  return { candidate, task: TASK, evaluations: [] }
}

function withPtxas(registers: number, spill: number): Evaluation {
  const resources = { shared_bytes: 0, stack_bytes: 0, spill_store_bytes: spill, spill_load_bytes: spill }
  const kernels = [{ name: 'scale_kernel(float*)', registers, ...resources }]
  const build = { compiler: 'nvcc', artifact_sha256: null, method: 'split', fallback: null, kernels }
  return anEvaluation(aCandidate(TASK), { build })
}
