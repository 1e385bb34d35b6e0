import { z } from 'zod'
import { defineTable } from '../table.ts'
import { Candidate } from './candidate.ts'
import { STATUSES } from './evaluation.ts'

const text = (meaning: string) => z.string().nullable().describe(meaning)
const number = (meaning: string) => z.number().nullable().describe(meaning)
const count = (meaning: string) => z.int().min(0).nullable().describe(meaning)
// Zero and less would be somebody's way to say that there is none.
const ratio = (meaning: string) => z.number().positive().nullable().describe(meaning)

/**
 * Everything that is known of a candidate as plain values, one row each: what filters compare, what a predicate (`filters.where`)
 * may name, and what other programs may hand in with `--input`.
 */
export const CandidateFacts = z.object({
  candidate_id: z.string().describe('The implementation'),
  task_id: z.string().describe('The task it implements'),
  task_name: z.string().describe('What the task computes, as its source calls it'),
  source: z.string().describe('Id of the source or import in the recipe'),
  origin: Candidate.shape.origin,
  language: text('Kernel language: `triton`, `cuda`, `cpp`; null where nobody said'),
  form: Candidate.shape.form,
  generator: text('Model that wrote it; null for people’s code'),
  repo_name: text('Repository of the code as `owner/name`; null for generated code'),
  reference_repo_name: text('Repository of the reference; null for tasks that are from no repository'),
  license: text('SPDX expression over all pieces of the code'),
  reference_license: text('SPDX expression that holds for the reference'),
  pairing_method: text('How the reference was found, method with version; null for imported tasks'),
  pairing_confidence: number('0 to 1: how surely the reference means the same as the code; null for imported tasks'),
  status: z
    .enum(STATUSES)
    .nullable()
    .describe('Verdict over the workloads that judge: `PASSED`, or the first that is not; null if never judged'),
  passed_share: number('Share of the workloads that judge on which it passed'),
  num_workloads: count('Workloads that judge'),
  proved_on: z
    .enum(['gpu', 'cpu', 'interpreter', 'compiler'])
    .nullable()
    .describe('What ran it, the weakest over all workloads; null if nothing did'),
  hardware: text('GPU or processor it was judged on'),
  validator: text('Validator with version'),
  is_claimed: z
    .boolean()
    .nullable()
    .describe(
      'Whether verdict and figures are what a file says (`--input`): nothing of them was run here; null if never judged',
    ),
  contracts_passed: count('Findings of the validator that hold, over all workloads'),
  contracts_failed: count('Findings of the validator that do not hold, over all workloads; 0 where all do'),
  failed_contracts: text('Names of the checks that do not hold, with commas; empty where all do'),
  speedup_eager: ratio('Reference in eager mode over code, ratio of medians, geometric mean over workloads'),
  speedup_eager_ci_low: ratio('The same of the lower ends of the 95 % intervals, which noise does not lift'),
  speedup_eager_ci_high: ratio('The same of the upper ends'),
  speedup_compile: ratio('The same over the reference under `torch.compile`'),
  speedup_compile_ci_low: ratio('The same of the lower ends of the 95 % intervals'),
  speedup_compile_ci_high: ratio('The same of the upper ends'),
  speedup_best: ratio('The same over the fastest baseline of each workload; over eager where it is the only one'),
  speedup_best_ci_low: ratio('The same of the lower ends of the 95 % intervals'),
  speedup_best_ci_high: ratio('The same of the upper ends'),
  latency_ms: ratio('Median of one call, milliseconds, geometric mean over workloads'),
  roofline_share: number(
    '0 to 1: share of the bandwidth or arithmetic peak of the datasheet that it reached, whichever limits it, geometric mean; worked out from the bytes of a call, and from the operations of products, convolutions and attention; null for recurrent layers, sorting, indexing and quantization, which nobody counted',
  ),
  own_kernel_share: number('0 to 1: share of GPU time in kernels of its own; null where nobody measured it'),
  library_share: number('0 to 1: share of GPU time in kernels of libraries; null where nobody measured it'),
  library_calls: text('Library operators that the code calls in place of own kernels, with commas; empty for none'),
  reasoning_kind: text('`model`, `human` or `evidence`; null where there is no reasoning'),
  reasoning_tokens: count('Length of the reasoning, tokens under `tokenizer`'),
  tokenizer: text('Tokenizer that counted `reasoning_tokens`'),
  reasoning_repetition: number('0 to 1: share of the lines of the reasoning that stand in it before'),
  reasoning_loops: number('0 to 1: share of its runs of eight words that stand in the reasoning before'),
  reasoning_language: text('Natural language of the reasoning, ISO 639-3: `eng`; null where it cannot be told'),
  trace_plan_tokens: count('Tokens of the reasoning that are neither code nor self-check, under the default tokenizer'),
  trace_code_tokens: count('Tokens of the reasoning in code blocks, under the default tokenizer'),
  trace_check_tokens: count('Tokens of its paragraphs that look back at what was written, under the default tokenizer'),
  trace_claims: count(
    'Claims of the reasoning about the kernel that code or ptxas can decide: names, numbers, techniques',
  ),
  trace_score: number('0 to 1: share of these claims that hold; null where there is none'),
  trace_wrong_claims: text('Claims that do not hold, with commas; empty where all do'),
  code_tokens: count('Length of all files of the code, tokens under the default tokenizer'),
  code_lines: count('Lines that are not blank, over all files'),
  comment_share: number('0 to 1: characters in comments over all characters that are no space'),
  operator_family: text(
    'What the reference mostly does: `matmul`, `convolution`, `normalization`, …; see the documentation of filters',
  ),
  operators: text('Operators that the reference calls, sorted, with commas'),
  num_operators: count('Calls of operators in the reference: the depth of the fusion it asks for'),
  is_single_operator: z.boolean().nullable().describe('Whether the reference is one operator'),
  reference_graph: text(
    'Fingerprint of the reference’s traced graph, shapes aside, after tracer and PyTorch: `graph@1/torch2.13/…`; null if never traced, or where it depends on values',
  ),
  precision: text(
    'Lowest precision that code or reference names: `float64`, `float32`, `float16`, `bfloat16`, `float8`, `int8`',
  ),
  shape_class: text('Largest tensor that the reference makes: `small` (< 2^16 elements), `medium` (< 2^22), `large`'),
  memory_access: text('How the code reaches memory: `plain`, `vectorized`, `shared`, `asynchronous`, by what it names'),
  parallelism: text('How it divides work: `elements`, `reduction`, `tiles`, `tensor_cores`, `warps`, by what it names'),
  secrets: count('Texts that look like credentials in code, reference and reasoning'),
  personal_data: count('Addresses of people in code, reference and reasoning: e-mail, telephone'),
  task_candidates: count('Candidates of its task'),
  arl: number(
    'Mean length of the reasonings of its task under the same tokenizer: how hard the task is (arXiv 2510.07356)',
  ),
  arl_bin: text('`easy` below 4,000 tokens, `medium` to 8,500, `hard` above (arXiv 2510.07356)'),
  reasoning_rank: count('Place among the reasonings of its task under the same tokenizer, from 1, the shortest'),
  reasoning_ratio: number('Length over the median of its task under the same tokenizer'),
  speedup_rank: count('Place among the timed candidates of its task by `speedup_eager`, from 1, the fastest'),
  exact_cluster: text('Candidate that stands for all of the task with the same code but for comments and layout'),
  near_cluster: text('Candidate that stands for all with nearly the same code, names of variables aside, in any task'),
  reference_cluster: text('Task that stands for all with nearly the same reference, names and numbers aside'),
  semantic_cluster: text('Task that stands for all whose references do the same, shapes aside'),
  contamination: number('0 to 1: largest similarity to a problem of a public benchmark, over all measures'),
  contamination_nearest: text('That problem, as `benchmark/problem`'),
  contamination_measure: text('Measure that found it: `ngram`, `structure`, `graph`, `name`'),
  contamination_ngram: number('0 to 1: share of the problem’s word 5-grams that reference or code holds'),
  contamination_structure: number('The same of the syntax with all names and literals left out'),
  contamination_graph: number(
    '1 where the traced graph equals that of a problem, shapes aside, else 0; null if never traced',
  ),
  contamination_name: number('1 where the name of the task is that of a problem, else 0'),
  contamination_generator: text(
    'Benchmark that its model is known to have been trained on: `kernelbench`; null where none is known, and for people’s code',
  ),
  split_group: text(
    'Smallest id of the tasks that share repository or cluster with its task: never divided among splits',
  ),
})
export type CandidateFacts = z.infer<typeof CandidateFacts>

/** Facts that a file states of a candidate; the others are worked out. That they are claims is not for the file to say. */
export const GivenFacts = CandidateFacts.omit({ is_claimed: true }).partial()
export type GivenFacts = z.infer<typeof GivenFacts>

export const candidateFacts = defineTable('candidate_facts', CandidateFacts)

/** The facts that follow from all candidates together; the others follow from one candidate. */
export const DATASET_FACTS = [
  'task_candidates',
  'arl',
  'arl_bin',
  'reasoning_rank',
  'reasoning_ratio',
  'speedup_rank',
  'exact_cluster',
  'near_cluster',
  'reference_cluster',
  'semantic_cluster',
  'split_group',
] as const satisfies readonly (keyof CandidateFacts)[]

/** The facts that follow from one candidate. */
export type OwnFacts = Omit<CandidateFacts, (typeof DATASET_FACTS)[number]>
