import { describe, expect, it } from 'vitest'
import { contracts } from '../../filters/contracts.ts'
import { evidence } from '../../filters/evidence.ts'
import { kernelFacts } from '../../filters/facts/kernel-facts.ts'
import { operatorFacts } from '../../filters/facts/operator-facts.ts'
import { rooflineFacts } from '../../filters/facts/roofline-facts.ts'
import { safetyFacts } from '../../filters/facts/safety-facts.ts'
import { policy } from '../../filters/policy.ts'
import { provenance } from '../../filters/provenance.ts'
import { roofline } from '../../filters/roofline.ts'
import { safety } from '../../filters/safety.ts'
import { semanticDedup } from '../../filters/semantic-dedup.ts'
import type { RecordFilter } from '../../filters/types.ts'
import type { GivenFacts } from '../../pipelines/core/records/candidate-facts.ts'
import { aCandidate, aPerformance, aTask, anEvaluation } from '../records.ts'
import { askDataset, askRecord, stated } from './selecting.ts'

type Case = readonly [filter: RecordFilter, given: GivenFacts, options: unknown, reason: string | null]

const CASES: readonly Case[] = [
  [contracts, { contracts_failed: 0 }, {}, null],
  [contracts, { contracts_failed: 1, failed_contracts: 'special-values@1' }, {}, 'contracts_broken'],
  [contracts, { contracts_failed: 1, failed_contracts: 'special-values@1' }, { max_failed: 1 }, null],
  [
    contracts,
    { contracts_failed: 1, failed_contracts: 'inputs-untouched@2' },
    { max_failed: null, require: ['inputs-untouched'] },
    'contract_broken',
  ],
  [contracts, { contracts_failed: 2, failed_contracts: 'backward@1' }, {}, null],
  [contracts, { contracts_failed: 1, failed_contracts: 'other-shapes@1' }, {}, null],
  [contracts, { contracts_failed: 2, failed_contracts: 'backward@1' }, { ignore: [] }, 'contracts_broken'],
  [contracts, { contracts_failed: 2, failed_contracts: 'backward@1,layout@1' }, {}, 'contracts_broken'],
  [contracts, { contracts_failed: 4, failed_contracts: 'layout@1' }, { max_failed: 1 }, null],
  [contracts, {}, { unchecked: 'refuse' }, 'unchecked'],
  [evidence, { num_workloads: 1 }, { min_workloads: 2 }, 'few_workloads'],
  [evidence, { num_workloads: 2, hardware: 'NVIDIA H100' }, { hardware: ['H200', 'H100'] }, null],
  [evidence, { num_workloads: 2, hardware: 'A CPU' }, { hardware: ['H100'] }, 'other_hardware'],
  [evidence, { pairing_confidence: 0.5 }, { min_pairing_confidence: 0.7 }, 'uncertain_reference'],
  [
    evidence,
    { speedup_eager: 2, speedup_eager_ci_low: 1, speedup_eager_ci_high: 3 },
    { max_relative_interval: 0.5 },
    'wide_interval',
  ],
  [policy, { library_calls: '' }, {}, null],
  [policy, { library_calls: 'matmul' }, {}, 'library_call'],
  [policy, { library_calls: 'matmul' }, { library_calls: 'allow' }, null],
  [policy, { library_share: 0.9 }, { max_library_share: 0.5 }, 'library_does_the_work'],
  [policy, { own_kernel_share: 0.1 }, { min_own_kernel_share: 0.5 }, 'own_kernels_do_little'],
  [provenance, { generator: 'acme/Kevin-32B-awq' }, { leaked_generators: ['kevin-32b'] }, 'generator_leakage'],
  [provenance, { generator: 'acme/other' }, { leaked_generators: ['kevin-32b'] }, null],
  [provenance, { origin: 'compiled' }, { origins: ['mined'] }, 'other_origin'],
  [roofline, { roofline_share: 0.5 }, {}, null],
  [roofline, { roofline_share: 0.1 }, {}, 'far_from_the_peak'],
  [roofline, { roofline_share: 1.5 }, {}, 'above_the_peak'],
  [roofline, {}, { unmeasured: 'refuse' }, 'unmeasured'],
  [safety, { secrets: 1 }, {}, 'holds_secrets'],
  [safety, { personal_data: 1 }, {}, 'holds_personal_data'],
  [safety, { personal_data: 1 }, { max_personal_data: null }, null],
]

describe('filters over facts', () => {
  it.each(CASES.map(([filter, given, options, reason]) => ({ name: filter.id, filter, given, options, reason })))(
    '$name of $given under $options gives $reason',
    async ({ filter, given, options, reason }) => {
      expect(await askRecord(filter, stated('a', given), options)).toMatchObject({ keep: reason === null, reason })
    },
  )

  it('provenance asks people’s code for its commit, and a model’s code for its model', async () => {
    expect((await askRecord(provenance, stated('a', {}, { commit_sha: null }))).reason).toBe('no_provenance')
    expect((await askRecord(provenance, stated('a', {}, { origin: 'generated', generator: null }))).reason).toBe(
      'no_provenance',
    )
  })

  it('semantic-dedup keeps a few of what several tasks ask, the fastest ones', async () => {
    const judged = [1, 3, 2].map((speedup, index) =>
      stated(`c${index}`, { speedup_eager_ci_low: speedup }, {}, aTask({ id: `t${index}` })),
    )
    const kept = await askDataset(semanticDedup, judged, { most: 2 })
    expect(kept.map(({ keep }) => keep)).toEqual([false, true, true])
  })
})

describe('facts', () => {
  const reference = (forward: string, inputs = 'torch.rand(64, 64)') =>
    `import torch\nimport torch.nn as nn\n\nclass Model(nn.Module):\n    def forward(self, x, w):\n        ${forward}\n\ndef get_inputs():\n    return [${inputs}]\n`

  it.each([
    ['return torch.relu(x)', 'activation', true],
    ['return x @ w', 'matmul', true],
    ['return torch.relu(x @ w)', 'matmul', false],
    ['return torch.softmax(torch.matmul(x, w), dim=-1).sum()', 'matmul', false],
    ['return x.sum(dim=1)', 'reduction', true],
    ['return torch.nn.functional.layer_norm(x.transpose(0, 1), (64,))', 'normalization', true],
  ])('of %s: %s, one operator: %s', (forward, operator_family, is_single_operator) => {
    expect(operatorFacts({ reference: reference(forward) })).toMatchObject({ operator_family, is_single_operator })
  })

  it.each([
    ['torch.rand(64, 64)', 'small'],
    ['torch.rand(1024, 1024)', 'medium'],
    ['torch.randn(8, 1024, 4096, device="cuda:7")', 'large'],
  ])('of inputs %s: %s', (inputs, shape_class) => {
    expect(operatorFacts({ reference: reference('return x', inputs) }).shape_class).toBe(shape_class)
  })

  it('say nothing of a reference that is not there', () => {
    expect(operatorFacts({ reference: '' })).toMatchObject({ operator_family: null, is_single_operator: null })
  })

  const task = aTask()
  const written = (content: string) => ({
    task,
    candidate: aCandidate(task, { sources: [{ path: 'kernel.py', content }] }),
  })

  it.each([
    ['acc += tl.dot(a, b)', { parallelism: 'tensor_cores', memory_access: 'shared' }],
    ['y = torch.matmul(x, w)', { library_calls: 'matmul' }],
    ['buf = extern_kernels.mm(a, b)', { library_calls: 'mm' }],
    ['tl.load(x).to(tl.bfloat16)', { precision: 'bfloat16', library_calls: '' }],
  ])('of the code %s: %o', (code, expected) => {
    expect(kernelFacts(written(code))).toMatchObject(expected)
  })

  it.each([
    ['token = "hf_' + 'a1B2'.repeat(9) + '"', 1, 0],
    ['url = "https://user:password@example.org/x"', 1, 1],
    ['# written by someone@example.org', 0, 1],
    ['@triton.jit\ndef f(x): return x @ w.T', 0, 0],
  ])('of %s: %d secrets, %d personal', (code, secrets, personal_data) => {
    const found = safetyFacts(written(code))
    expect(found.secrets).toBe(secrets)
    if (secrets === 0) expect(found.personal_data).toBe(personal_data)
  })
})

describe('the share of the roofline', () => {
  const task = aTask()
  const candidate = aCandidate(task)
  // 3350 GB/s of an H100: 1.675 GB in a millisecond are half of it.
  const bytes = { input_bytes: 1_000_000_000, parameter_bytes: 0, output_bytes: 675_000_000 }
  const share = (
    operators: string | null,
    latency_ms = 1,
    hardware = 'NVIDIA H100 80GB HBM3',
    known: object = bytes,
  ) => {
    const evaluation = anEvaluation(candidate, { performance: aPerformance(2, { latency_ms, ...known }) })
    const environment = { ...evaluation.environment, hardware }
    return rooflineFacts({ evaluations: [{ ...evaluation, environment }] }, operators).roofline_share
  }

  const products = (dtype: string) => ({ flops: 0.8 * 67e9, flops_dtype: dtype })

  it('is what a call moves, over what the memory gives', () => {
    expect(share('relu')).toBeCloseTo(0.5, 6)
    expect(share('layer_norm,relu', 2)).toBeCloseTo(0.25, 6)
    expect(share('', 1)).toBeCloseTo(0.5, 6)
  })

  it('is the arithmetic of products over its peak where that takes longer than the bytes', () => {
    const gpu = 'NVIDIA H100 80GB HBM3'
    expect(share('matmul,relu', 1, gpu, { ...bytes, ...products('float32') })).toBeCloseTo(0.8, 6)
    expect(share('matmul,relu', 1, gpu, { ...bytes, ...products('bfloat16') })).toBeCloseTo(0.5, 6)
  })

  it.each([
    ['nobody counted its arithmetic', 'matmul,relu', 1, 'NVIDIA H100 80GB HBM3', bytes],
    [
      'no datasheet speaks of its dtype',
      'matmul',
      1,
      'NVIDIA H100 80GB HBM3',
      { ...bytes, flops: 1, flops_dtype: 'int8' },
    ],
    [
      'its arithmetic is not all of it',
      'lstm,matmul',
      1,
      'NVIDIA H100 80GB HBM3',
      { ...bytes, ...products('float32') },
    ],
    ['it reads a part of its arguments only', 'embedding', 1, 'NVIDIA H100 80GB HBM3', bytes],
    ['nobody knows what the reference does', null, 1, 'NVIDIA H100 80GB HBM3', bytes],
    ['nobody knows what the hardware gives', 'relu', 1, 'Some processor', bytes],
    ['nobody measured the bytes', 'relu', 1, 'NVIDIA H100 80GB HBM3', {}],
    ['it is more than there is', 'relu', 0.4, 'NVIDIA H100 80GB HBM3', bytes],
  ])('is unknown where %s', (_, operators, latency, hardware, known) => {
    expect(share(operators, latency, hardware, known)).toBeNull()
  })
})
