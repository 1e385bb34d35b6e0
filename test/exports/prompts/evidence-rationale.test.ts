import { expect, test } from 'vitest'
import { evidenceRationale } from '../../../exports/prompts/evidence-rationale.ts'
import type { Evaluation } from '../../../pipelines/core/records/evaluation.ts'
import { countTokens } from '../../../pipelines/core/tokenizer.ts'
import { aCandidate, aPerformance, aTask, aWorkload, anEvaluation } from '../../records.ts'

const WORKLOADS = [aWorkload({}), aWorkload({ N: '4096' })]
const TASK = aTask({ workloads: WORKLOADS })
const ONE = { operators: 'mul', num_operators: 1 }
const GPU = 'NVIDIA H100 80GB HBM3'

test('says what was measured, and no more', async () => {
  const reasoning = await evidenceRationale({
    task: TASK,
    facts: ONE,
    evaluations: [timed(0, 4, 168, 0), timed(1, 1, 168, 0)],
  })
  expect(reasoning).toEqual({
    kind: 'evidence',
    tokenizer: 'o200k_base',
    num_tokens: await countTokens(reasoning?.text ?? ''),
    text: `Measured, not thought: in 6 calls with fresh inputs on 2 workloads every output agreed with the reference. Against float64 at least 22.5 bits are right, of 23.5 that PyTorch itself gets right: nothing is lost.

Medians on Example CPU, calls of both sides in turn:
- As written: 1.00 ms where PyTorch in eager mode takes 4.00 ms, a ratio of 4.00 (95 % interval 3.60 to 4.40).
- With N = 4096: 1.00 ms where PyTorch in eager mode takes 1.00 ms, a ratio of 1.00 (95 % interval 0.900 to 1.10).

The geometric mean over all is 2.00.

It compiles to one kernel:
- \`scale(float*)\`: 168 registers per thread, which allow 12 warps per multiprocessor; 1024 bytes of static shared memory; nothing is spilled.

So it is faster than PyTorch, beyond what noise explains.`,
  })
})

test.each([
  [
    'a difference that noise explains',
    1.05,
    0,
    'So it may be faster than PyTorch, but noise could explain the difference.',
  ],
  ['a slower kernel', 0.5, 0, 'So it is right, and not faster than PyTorch.'],
  ['spilled registers', 3, 64, 'Registers that are spilled cost traffic'],
] as const)('does not praise %s', async (_, speedup, spill, said) => {
  const reasoning = await evidenceRationale({ task: TASK, facts: ONE, evaluations: [timed(0, speedup, 40, spill)] })
  expect(reasoning?.text).toContain(said)
})

test.each([
  [
    0.02,
    GPU,
    /The memory of NVIDIA H100 80GB HBM3 gives 3350 GB\/s, of which that is 83\.6 %\. So it lies on the memory side/,
  ],
  [0.1, GPU, /of which that is 16\.7 %\. So bandwidth alone does not explain its time/],
  [0.01, GPU, /of which that is 167 %\. More than there is/],
  [1, 'Example CPU', /PyTorch's time comes to 28\.0 GB\/s\.\n/],
] as const)(
  'a call of %s ms on %s lies on the side of the roofline that its bytes say',
  async (latency_ms, hardware, said) => {
    const moved = { input_bytes: 40_000_000, parameter_bytes: 4_000, output_bytes: 16_000_000 }
    const evaluation = timed(0, 2, 40, 0)
    const performance = aPerformance(2, { ...moved, latency_ms, reference_latency_ms: 2 * latency_ms })
    const { environment } = evaluation
    const measured = { ...evaluation, performance, environment: { ...environment, hardware } }
    const reasoning = await evidenceRationale({ task: TASK, facts: ONE, evaluations: [measured] })
    expect(reasoning?.text).toContain(
      'the arguments hold 40.0 MB, parameters and buffers 4.00 kB, and the results 16.0 MB: 56.0 MB in all.',
    )
    expect(reasoning?.text).toMatch(said)
  },
)

test('names the operators that it stands for, where there are several', async () => {
  const facts = { operators: 'mean,mul,rsqrt', num_operators: 4 }
  const reasoning = await evidenceRationale({ task: TASK, facts, evaluations: [timed(0, 2, 40, 0)] })
  expect(reasoning?.text).toContain('runs the 4 operators of the reference (mean, mul, rsqrt) one after the other')
})

test('says what torch.compile takes, what a call launches, and on which side its arithmetic puts it', async () => {
  const compile = { baseline: 'compile', latency_ms: 3, speedup: 1.5, speedup_ci_low: 1, speedup_ci_high: 2, reason: null } as const // prettier-ignore
  const evaluation = timed(0, 2, 40, 0)
  const moved = { input_bytes: 100e6, parameter_bytes: 0, output_bytes: 100e6, flops: 200e9, flops_dtype: 'float32' }
  const measured: Evaluation = {
    ...evaluation,
    proved_on: 'gpu',
    environment: { ...evaluation.environment, hardware: GPU },
    performance: aPerformance(2, { ...moved, latency_ms: 10, reference_latency_ms: 20, baselines: [compile] }),
    work: {
      own_kernel_share: 0.9,
      library_share: 0.06,
      parts: [
        { name: 'scale', origin: 'own', num_calls: 2, share: 0.9 },
        { name: 'cublas', origin: 'library', num_calls: 1, share: 0.06 },
      ],
    },
  }
  const { text = '' } = (await evidenceRationale({ task: TASK, facts: ONE, evaluations: [measured] })) ?? {}
  expect(text).toContain('With torch.compile it takes 3.00 ms, a ratio of 1.50.')
  expect(text).toContain(
    'One call of this runs kernels of its own 2 times, 90 % of its time: scale (2 times, 90 %); 6 % is left to libraries, and 4 % goes to filling and copying.',
  )
  expect(text).toContain(
    'Products in float32 reach 67 TFLOPS there at best, of which that is 29.9 %. Their roof begins at 20.0 operations per byte: by its own count this task is on the side of arithmetic.',
  )
})

test('has nothing to say where nothing was timed, or where it is wrong', async () => {
  const candidate = aCandidate(TASK)
  const wrong = anEvaluation(candidate, { status: 'INCORRECT_NUMERICAL', blame: 'candidate' })
  for (const evaluations of [[], [anEvaluation(candidate)], [timed(0, 2, 40, 0), wrong]]) {
    expect(await evidenceRationale({ task: TASK, facts: ONE, evaluations })).toBeNull()
  }
})

function timed(workload: number, speedup: number, registers: number, spill: number): Evaluation {
  const resources = { shared_bytes: 1024, stack_bytes: 0, spill_store_bytes: spill, spill_load_bytes: spill }
  const kernels = [{ name: 'scale(float*)', registers, ...resources }]
  return anEvaluation(aCandidate(TASK), {
    workload_id: WORKLOADS[workload]?.id ?? '',
    performance: aPerformance(speedup),
    build: { compiler: 'nvcc', artifact_sha256: null, method: 'split', fallback: null, kernels },
  })
}
