import { candidateId } from '../pipelines/core/records/candidate.ts'
import type { Evaluation } from '../pipelines/core/records/evaluation.ts'
import { taskId, workloadId } from '../pipelines/core/records/task.ts'
import type { EvaluationRequest } from './types.ts'
import type { ValidatorSettings } from './validator.ts'

/** A reference and an implementation of it in KernelBench form, outside any recipe. */
export interface OneOff {
  /** Python with `Model`, `get_inputs` and `get_init_inputs`. */
  readonly reference: string
  /** Python with `ModelNew`. */
  readonly code: string
  /** `triton`, `cuda`, `cpp`, or `torch` for code without a kernel language. */
  readonly language: string
  /** What the code is: a module with `ModelNew`, by default, C++ or CUDA with an `extern "C"` launcher `run`, or a launch plan. */
  readonly file?: 'candidate.py' | 'candidate.cpp' | 'candidate.cu' | 'plan.json'
  /** What a launch plan needs beside it. */
  readonly beside?: readonly { readonly path: string; readonly content: string }[]
}

/** Accepted; refused, with the candidate to blame; or not judged: the task or this machine is in the way. */
export type Outcome = 'accepted' | 'refused' | 'not_judged'

/** How a pair outside any recipe is judged, but for mode and seed. */
export const ONE_OFF_SETTINGS = {
  calls: 5,
  max_workloads: 1,
  timeout_s: 60,
  timing_s: 10,
  build_timeout_s: 300,
  memory_bytes: 8_000_000_000,
  own_kernel: 'report',
  library_calls: 'report',
  static_tags: 'refuse',
  backward: 'report',
  precision: 'strict',
  baselines: null,
  sanitizer_share: 0,
} as const satisfies Omit<ValidatorSettings, 'mode' | 'seed'>

/** The request to judge a pair. */
export function requestOf({
  reference,
  code,
  language,
  file = 'candidate.py',
  beside = [],
}: OneOff): EvaluationRequest {
  const content = { reference, workloads: [{ id: workloadId({}), axes: {} }] }
  const task = { id: taskId(content), ...content }
  const sources = [{ path: file, content: code }, ...beside]
  const id = candidateId({ task_id: task.id, sources, reasoning: null, generator: null })
  const { form, symbol } = FORMS[file]
  return { task, candidate: { id, language, form, entry_point: `${file}::${symbol}`, sources } }
}

const FORMS = {
  'candidate.py': { form: 'python', symbol: 'ModelNew' },
  'candidate.cpp': { form: 'native', symbol: 'run' },
  'candidate.cu': { form: 'native', symbol: 'run' },
  'plan.json': { form: 'device', symbol: 'launches' },
} as const

/** What rows say together: one refusal refuses, and only what passed everywhere is accepted. */
export function outcomeOf(rows: readonly Pick<Evaluation, 'status' | 'blame'>[]): Outcome {
  if (rows.some(({ blame }) => blame === 'candidate')) return 'refused'
  return rows.length > 0 && rows.every(({ status }) => status === 'PASSED') ? 'accepted' : 'not_judged'
}
