import { z } from 'zod'
import { defineTable } from '../table.ts'

/** What was run on, recorded with every verdict. */
export const Environment = z.object({
  hardware: z.string().describe('GPU or processor model'),
  driver: z.string().nullable().describe('GPU driver version; null without a GPU'),
  python: z.string().describe('Version of the Python that ran it'),
  libraries: z.record(z.string(), z.string()).describe('Library to version: torch, triton, cuda, compiler'),
  sandbox: z.array(z.string()).describe('Sandbox layers that were active, in the order they were entered'),
  node: z.string().optional().describe('Name of the node that judged it; only where a cluster did'),
})
export type Environment = z.infer<typeof Environment>

/** How close the outputs came, over all calls of the workload but the one on inputs that nobody could foresee. */
export const Correctness = z.object({
  num_calls: z.int().describe('Calls with fresh inputs that were compared'),
  max_absolute_error: z
    .number()
    .nullable()
    .describe('Against the reference in float64; null where values are not finite'),
  max_relative_error: z.number().nullable().describe('The same, relative to the larger magnitude'),
  tolerance_atol: z.number().describe('Absolute tolerance that was applied'),
  tolerance_rtol: z.number().describe('Relative tolerance that was applied'),
  reference_error: z.number().nullable().describe('Largest error of the reference in its own dtype against float64'),
  effective_bits: z
    .number()
    .nullable()
    .describe(
      'Bits that are right over all: -log2 of the normalised root mean square error, against the reference’s own output where the check `float64-oracle` is not true; null where it is zero',
    ),
  reference_effective_bits: z.number().nullable().describe('The same of the reference in its own dtype'),
})
export type Correctness = z.infer<typeof Correctness>

// Files of before it was measured have none.
const COUNT = z.int().nullable().optional()

/** What a candidate can be timed against beside eager mode: the reference under `torch.compile`, in one of its modes. */
export const BASELINES = ['compile', 'max_autotune'] as const
export type BaselineName = (typeof BASELINES)[number]

const Baseline = z.object({
  baseline: z.enum(BASELINES).describe('Mode of `torch.compile`: the default one, or `max-autotune`'),
  latency_ms: z
    .number()
    .nullable()
    .describe('Median of one call of it, milliseconds, when it was measured; null where it could not be'),
  speedup: z
    .number()
    .nullable()
    .describe('Its time over the candidate’s: the quotient of their speedups over eager mode, each measured in turns'),
  speedup_ci_low: z.number().nullable().describe('Lower end of the 95 % interval of that'),
  speedup_ci_high: z.number().nullable().describe('Upper end'),
  reason: z.string().nullable().describe('Why there is no figure; null where there is one'),
})

export type Baseline = z.infer<typeof Baseline>

const Telemetry = z.object({
  sm_clock_mhz: z.number().nullable().describe('Median clock of its SMs after timed calls of the candidate, MHz'),
  reference_sm_clock_mhz: z.number().nullable().describe('The same after calls of the reference'),
  max_sm_clock_mhz: z.int().nullable().describe('Highest clock that the GPU has'),
  temperature_c: z.int().nullable().describe('Highest temperature meanwhile, degrees Celsius'),
  power_w: z.number().nullable().describe('Highest power meanwhile, watts'),
  clock_limits: z
    .array(z.string())
    .describe(
      'What held the clock down in any call: `power-cap`, `thermal-slowdown`, `hardware-slowdown`, `hardware-thermal-slowdown`, `power-brake`',
    ),
  num_left_out: z
    .int()
    .describe('Pairs of calls that do not count because the GPU was slowed down or slower than usual'),
})

/** What the clock said; present only where timing is honest. */
export const Performance = z.object({
  latency_ms: z.number().describe('Median of one call of the candidate, milliseconds'),
  reference_latency_ms: z.number().describe('Median of one call of the reference in eager mode, milliseconds'),
  speedup: z.number().describe('Ratio of the medians, reference over candidate'),
  speedup_ci_low: z
    .number()
    .describe('Lower end of the 95 % interval of the ratio (bootstrap; of fewer than eight pairs the extremes)'),
  speedup_ci_high: z.number().describe('Upper end of the same interval'),
  num_samples: z.int().describe('Timed calls of each side'),
  input_bytes: COUNT.describe('What the arguments of a call hold, bytes; null where a call takes gigabytes'),
  parameter_bytes: COUNT.describe('What parameters and buffers hold, bytes'),
  output_bytes: COUNT.describe('What comes out of a call, bytes'),
  flops: COUNT.describe(
    'Floating-point operations of a call of the reference in products, convolutions and attention, a multiplication and an addition being two (`torch.utils.flop_counter`); null where they cannot be counted',
  ),
  flops_dtype: z
    .string()
    .nullable()
    .optional()
    .describe('What most of them compute on, such as `float32`; null for none'),
  baselines: z
    .array(Baseline)
    .optional()
    .describe('What else it was timed against; empty where the recipe asks for nothing'),
  telemetry: Telemetry.nullable()
    .optional()
    .describe('What the GPU said of itself meanwhile, by NVML; null on processors and where the driver does not say'),
})
export type Performance = z.infer<typeof Performance>

/** What one call spends its time on. */
export const Work = z.object({
  own_kernel_share: z.number().describe('0 to 1: share of it in kernels and functions that its own sources declare'),
  library_share: z
    .number()
    .describe('0 to 1: share in kernels and operators of others; what fills and copies is neither'),
  parts: z
    .array(
      z.object({
        name: z
          .string()
          .describe('Kernel of a GPU, operator of PyTorch, or `curate::own`: functions of its extensions'),
        origin: z.enum(['own', 'library', 'memory']).describe('Whose it is; `memory` fills and copies'),
        num_calls: z.int().describe('How often in the one call'),
        share: z.number().describe('0 to 1: share of the time'),
      }),
    )
    .describe('What takes longest, at most 16'),
})
export type Work = z.infer<typeof Work>

const CertifiedOn = z.object({
  gpu: z.string().describe('UUID of the GPU'),
  hardware: z.string().describe('Its model'),
  latency_ms: z
    .number()
    .nullable()
    .describe('Median of one call of the candidate there, milliseconds; null where it has no figure'),
  reference_latency_ms: z.number().nullable().describe('The same of the reference in eager mode'),
  speedup: z.number().nullable().describe('Ratio of these medians, reference over candidate'),
  speedup_ci_low: z
    .number()
    .nullable()
    .describe('Lower end of the 95 % interval of the ratio (bootstrap; of fewer than eight pairs the extremes)'),
  speedup_ci_high: z.number().nullable().describe('Upper end'),
})
export type CertifiedOn = z.infer<typeof CertifiedOn>

/** One yes-or-no finding about a candidate. */
export const Check = z.object({
  check: z.string().describe('Check with version: `inputs-untouched@1`'),
  passed: z.boolean().nullable().describe('Null where it does not apply'),
  detail: z.string().nullable().describe('What was found; null where there is nothing to say'),
})

/** What one compiled kernel takes of a GPU. */
const KernelResources = z.object({
  name: z.string().describe('Name with its template arguments and the types of its parameters'),
  registers: z.int().describe('Registers per thread'),
  shared_bytes: z
    .int()
    .describe('Shared memory per block, bytes: static of CUDA, and what a launch gives it of Triton'),
  stack_bytes: z.int().describe('Stack frame per thread, bytes'),
  spill_store_bytes: z.int().describe('Registers stored to local memory per thread, bytes'),
  spill_load_bytes: z.int().describe('Registers loaded from local memory per thread, bytes'),
})

/** The outcomes, in the field's own words. `NOT_RUN`: compiled, but there is no device here to run it on. */
export const STATUSES = [
  'PASSED',
  'INCORRECT_NUMERICAL',
  'INCORRECT_SHAPE',
  'INCORRECT_DTYPE',
  'COMPILE_ERROR',
  'RUNTIME_ERROR',
  'TIMEOUT',
  'REWARD_HACK',
  'INVALID_REFERENCE',
  'NOT_RUN',
] as const

/** The validator's verdict on one candidate and one workload. */
export const Evaluation = z.object({
  candidate_id: z.string().describe('What was judged'),
  task_id: z.string().describe('What it was judged against'),
  workload_id: z.string().describe('The case it was judged on'),
  status: z.enum(STATUSES).describe(`The verdict: ${STATUSES.map((status) => `\`${status}\``).join(', ')}`),
  stage: z
    .enum(['build', 'load', 'run', 'compare', 'integrity', 'timing', 'task'])
    .nullable()
    .describe('Where it ended; null for PASSED'),
  cause: z
    .string()
    .nullable()
    .describe('Finer cause in UPPER_CASE, such as `WRONG_VALUE` or `STATE_MISMATCH`; null for PASSED'),
  blame: z.enum(['candidate', 'task']).nullable().describe('Whose fault; a machine’s fault is never a row'),
  proved_on: z
    .enum(['gpu', 'cpu', 'interpreter', 'compiler'])
    .nullable()
    .describe('What ran it: a GPU, the processor, Triton’s interpreter, or only a compiler; null if nothing did'),
  correctness: Correctness.nullable().describe('How close the outputs came; null where none were compared'),
  performance: Performance.nullable().describe('Null unless PASSED and timed on `gpu` or `cpu`'),
  work: Work.nullable().describe(
    'What a call spends its time on, by PyTorch’s profiler: on a GPU by kernels, on the processor by operators and extensions; null where nobody measured it',
  ),
  checks: z.array(Check).describe('Contracts beside the values, each passed, failed or not applicable'),
  certified_on: z
    .array(CertifiedOn)
    .nullable()
    .optional()
    .describe(
      'In mode `certify`, the two GPUs that judged it apart, on other seeds, the one of this row first; null where another one did not, and in other modes',
    ),
  tags: z
    .array(
      z.object({
        rule: z.string().describe('What the text does: `replaces-foreign`, `starts-process`, `keeps-answers`, ...'),
        tier: z.int().describe('1: no honest kernel does it; 2: told, and decides nothing'),
        path: z.string().describe('Source file'),
        line: z.int().describe('First line, from 1'),
      }),
    )
    .nullable()
    .optional()
    .describe('What its text says, by syntax tree and tokens, before anything runs; null in files of before'),
  build: z
    .object({
      compiler: z.string().describe('Compiler with version'),
      artifact_sha256: z
        .string()
        .nullable()
        .describe('Checksum of what was built, of the first where there is more; null where the build failed'),
      method: z
        .string()
        .describe(
          '`default`: as PyTorch builds it; `precompiled`: with precompiled headers; `narrow`: with headers of what the source uses; `split`: nvcc without PyTorch’s headers; `device`: the kernels of a launch plan; `triton`: as Triton does when it is called, told by the candidate’s process',
        ),
      fallback: z
        .string()
        .nullable()
        .describe('Why it was not built in a quicker way; null where it was, or there is none'),
      kernels: z
        .array(KernelResources)
        .describe(
          'What ptxas says of each kernel; empty where nothing was compiled. Of Triton those of one call on a GPU',
        ),
    })
    .nullable()
    .describe('How native code was compiled; null where nothing was'),
  log: z.string().describe('First error text without paths of the machine, at most 8 KiB; empty for PASSED'),
  environment: Environment.describe('What it was judged on and with'),
  validator: z.string().describe('Validator with version: `validate@1`'),
})
export type Evaluation = z.infer<typeof Evaluation>

export const evaluations = defineTable('evaluations', Evaluation)
