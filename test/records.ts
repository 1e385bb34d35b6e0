import { candidateId } from '../pipelines/core/records/candidate.ts'
import type { Candidate, Reasoning } from '../pipelines/core/records/candidate.ts'
import type { Decision } from '../pipelines/core/records/decision.ts'
import type { Environment, Evaluation, Performance } from '../pipelines/core/records/evaluation.ts'
import type { Reject } from '../pipelines/core/records/reject.ts'
import { taskId, workloadId } from '../pipelines/core/records/task.ts'
import type { Task, Workload } from '../pipelines/core/records/task.ts'

// Builders of valid records: a test names only the fields it is about. Ids follow from the content, as in a run.

export function aTask(fields: Partial<Task> = {}): Task {
  const content = { reference: REFERENCE, workloads: [aWorkload({})], ...fields }
  return {
    id: taskId(content),
    name: 'scale',
    tolerance: null,
    origin: 'mined',
    requires: ['torch'],
    pairing: {
      method: 'test-comparison@1',
      path: 'tests/test_scale.py',
      symbol: 'test_scale',
      line: 12,
      expression: 'torch.testing.assert_close(scale(x), x * 2)',
      confidence: 0.9,
    },
    source: 'example',
    repo_name: 'acme/kernels',
    repo_url: 'https://example.org/acme/kernels.git',
    commit_sha: '0123456789abcdef0123456789abcdef01234567',
    path: 'tests/test_scale.py',
    start_line: 1,
    end_line: 20,
    license: 'MIT',
    license_evidence: 'LICENSE',
    ...content,
  }
}

export function aWorkload(axes: Workload['axes']): Workload {
  return { id: workloadId(axes), axes }
}

export function aCandidate(task: Pick<Task, 'id'>, fields: Partial<Candidate> = {}): Candidate {
  const content = {
    task_id: task.id,
    sources: [{ path: 'kernel.py', content: IMPLEMENTATION }],
    reasoning: null,
    generation: null,
    generator: null,
    ...fields,
  }
  return {
    id: candidateId(content),
    origin: 'mined',
    language: 'triton',
    form: 'python',
    entry_point: 'kernel.py::ModelNew',
    requires: ['torch', 'triton'],
    kernel_ids: [],
    source: 'example',
    repo_name: 'acme/kernels',
    commit_sha: '0123456789abcdef0123456789abcdef01234567',
    license: 'MIT',
    pieces: [{ path: 'kernels/scale.py', start_line: 1, end_line: 30, license: 'MIT' }],
    ...content,
  }
}

export function aReasoning(numTokens: number, fields: Partial<Reasoning> = {}): Reasoning {
  return {
    text: `One load, one store, ${numTokens} tokens of thought.`,
    kind: 'model',
    num_tokens: numTokens,
    tokenizer: 'o200k_base',
    ...fields,
  }
}

export const anEnvironment: Environment = {
  hardware: 'Example CPU',
  driver: null,
  python: '3.12.0',
  libraries: { torch: '2.13.0', triton: '3.9.0' },
  sandbox: ['namespace'],
}

export function anEvaluation(
  candidate: Pick<Candidate, 'id' | 'task_id'>,
  fields: Partial<Evaluation> = {},
): Evaluation {
  return {
    candidate_id: candidate.id,
    task_id: candidate.task_id,
    workload_id: workloadId({}),
    status: 'PASSED',
    stage: null,
    cause: null,
    blame: null,
    proved_on: 'cpu',
    correctness: {
      num_calls: 3,
      max_absolute_error: 0,
      max_relative_error: 0,
      tolerance_atol: 1e-5,
      tolerance_rtol: 1e-5,
      reference_error: 1e-7,
      effective_bits: 22.5,
      reference_effective_bits: 23.5,
    },
    performance: null,
    work: null,
    tags: [],
    checks: [{ check: 'inputs-untouched@1', passed: true, detail: null }],
    build: null,
    log: '',
    environment: anEnvironment,
    validator: 'validate@1',
    ...fields,
  }
}

/** Performance with the given speedup and an interval of 10 % to either side. */
export function aPerformance(speedup: number, fields: Partial<Performance> = {}): Performance {
  return {
    latency_ms: 1,
    reference_latency_ms: speedup,
    speedup,
    speedup_ci_low: speedup * 0.9,
    speedup_ci_high: speedup * 1.1,
    num_samples: 30,
    ...fields,
  }
}

export function aDecision(candidate: Pick<Candidate, 'id' | 'task_id'>, fields: Partial<Decision> = {}): Decision {
  return {
    candidate_id: candidate.id,
    task_id: candidate.task_id,
    filter: 'passed@1',
    keep: true,
    score: 1,
    threshold: 1,
    reason: null,
    detail: null,
    parts: [],
    ...fields,
  }
}

export function aReject(fields: Partial<Reject> = {}): Reject {
  return {
    record_id: 'kernels/broken.py',
    stage: 'pair',
    by: 'pair@1',
    reason: 'no_reference',
    detail: null,
    source: 'example',
    ...fields,
  }
}

const REFERENCE = `import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x * 2


def get_inputs():
    return [torch.rand(64)]


def get_init_inputs():
    return []
`

const IMPLEMENTATION = `import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        return x + x
`
