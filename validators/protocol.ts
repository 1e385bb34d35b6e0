import { z } from 'zod'
import type { DevicePeaks } from '../pipelines/core/device-peaks.ts'
import { Environment, Evaluation } from '../pipelines/core/records/evaluation.ts'
import { SourceFile } from '../pipelines/core/records/provenance.ts'
import type { BaselineName } from '../pipelines/core/records/evaluation.ts'

// The whole contract between this side and the judge (validators/worker/curate_worker/judge). One JSON object per line:
// requests on the judge's descriptor 3, answers on its descriptor 4. The judge checks requests field by field as well.

/** Raised on both sides when a message changes shape. */
export const PROTOCOL_VERSION = 8

/** A longer line is no answer of a judge. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024

/** What a judge is started with, as its one argument. */
export interface JudgeOptions {
  readonly device: 'cpu' | 'cuda'
  /** Names the device among the machine's, for the lock that keeps timing alone: `cpu`, or the UUID of a GPU. */
  readonly slot: string
  /** Where builds are kept. */
  readonly cache_folder: string
  /** What the device gives at best; absent or null where no datasheet says. */
  readonly peaks?: DevicePeaks | null
  /** Threads of PyTorch and OpenMP in reference and candidate. */
  readonly threads: number
  /** Compute capability of GPUs of other machines, for a judge that only builds for those. */
  readonly builds_for?: readonly [number, number]
  /** Whether nothing is timed, so that threads of parallel loops need not spin until the next one. */
  readonly times_nothing?: boolean
}

/** Settings of one request: what of the recipe decides a verdict. */
export interface JudgeSettings {
  readonly mode: 'screen' | 'standard' | 'certify'
  /** Calls with fresh inputs per workload. */
  readonly calls: number
  /** Seconds for the candidate on one workload, and for each step of the reference. */
  readonly timeout_s: number
  /** Seconds of timing the candidate on one workload. */
  readonly timing_s: number
  readonly build_timeout_s: number
  /** Address space of one process on top of the interpreter's; not applied where CUDA is used. */
  readonly memory_bytes: number
  /** `require` refuses candidates that neither build nor launch a kernel of their own. */
  readonly own_kernel: 'report' | 'require'
  /** `forbid` refuses candidates that libraries do the work for; with `allow` nobody measures it. */
  readonly library_calls: 'allow' | 'report' | 'forbid'
  /** `require` refuses candidates without gradients where the task has them. */
  readonly backward: 'report' | 'require'
  /** `refuse` runs nothing whose text does what no honest kernel does. */
  readonly static_tags: 'report' | 'refuse'
  /** `allow_tf32` lets products of float32 be TensorFloat-32. */
  readonly precision: 'strict' | 'allow_tf32'
  /** What is timed beside eager mode; null for all of it with `certify`, and nothing otherwise. */
  readonly baselines: readonly BaselineName[] | null
  /** Share of candidates that are looked at by compute-sanitizer in other modes than `certify`, 0 to 1. */
  readonly sanitizer_share: number
  /** Every secret seed is a keyed hash of this one. */
  readonly seed: number
}

/** Judge one candidate on workloads of its task. */
export interface EvaluateRequest {
  readonly type: 'evaluate'
  /** Comes back with the answer. */
  readonly nonce: string
  readonly task: {
    readonly id: string
    readonly reference: string
    readonly workloads: readonly { readonly id: string; readonly axes: Readonly<Record<string, string>> }[]
  }
  readonly candidate: {
    readonly language: string
    readonly form: string
    readonly entry_point: string
    readonly sources: readonly { readonly path: string; readonly content: string }[]
  }
  readonly settings: JudgeSettings
}

/** Look at one program without judging it: run the reference on a processor, or import the candidate where there is one. */
export interface CheckRequest extends Omit<EvaluateRequest, 'type' | 'candidate'> {
  readonly type: 'check'
  readonly candidate: EvaluateRequest['candidate'] | null
}

/** Trace a reference into a graph. */
export interface TraceRequest {
  readonly type: 'trace'
  readonly nonce: string
  readonly reference: string
  /** Seconds for all of it. */
  readonly timeout_s: number
  /** Address space on top of the interpreter's. */
  readonly memory_bytes: number
}

/** Turn a candidate into form `device`, and judge both. */
export interface ConvertRequest extends Omit<EvaluateRequest, 'type'> {
  readonly type: 'convert'
}

/** Ask TorchInductor for an implementation of a task, on all its workloads. */
export interface CompileRequest extends Omit<EvaluateRequest, 'type' | 'candidate'> {
  readonly type: 'compile'
  readonly candidate: null
}

/** A candidate that will come: what it wants built is built meanwhile. There is no answer. */
export interface PrepareRequest {
  readonly type: 'prepare'
  readonly task: EvaluateRequest['task']
  readonly candidate: EvaluateRequest['candidate']
  readonly settings: JudgeSettings
}

/** Say when everything that was announced is built. */
export interface SettleRequest {
  readonly type: 'settle'
  readonly nonce: string
}

/**
 * A row of `evaluations` as the judge writes it: without the ids of candidate and task, without the validator's name, and without what
 * another judge says.
 */
const FROM_OTHERS = { candidate_id: true, task_id: true, validator: true, certified_on: true } as const
export const JudgedRow = Evaluation.omit(FROM_OTHERS).strict()
export type JudgedRow = z.infer<typeof JudgedRow>

const Ready = z.strictObject({
  type: z.literal('ready'),
  protocol: z.literal(PROTOCOL_VERSION),
  device: z.enum(['cpu', 'cuda']),
  environment: Environment,
  sandbox_missing: z.record(z.string(), z.string()).describe('Layer to the reason why it does not hold'),
  sandbox_leaks: z.array(z.string()).describe('What a probe could do in the sandbox that it should not be able to'),
  fork_server: z.strictObject({
    threads: z.int().describe('Threads of the process that forks; more than one is a risk'),
    touched_cuda: z.boolean().describe('Whether it reached the CUDA driver, which no process forked from it could use'),
  }),
  gpu_memory_unshared: z
    .string()
    .nullable()
    .describe('Why tensors on the GPU pass the processor between judge and runner; null where they do not'),
  gpu_unusable: z.string().nullable().describe('Why a GPU that is there cannot be used; null where nothing is wrong'),
  tools: z.record(z.string(), z.string().nullable()).describe('Tool to version; null where it is missing'),
})
export type Ready = z.infer<typeof Ready>

const Failed = z.strictObject({ type: z.literal('failed'), code: z.string(), message: z.string() })

/** Where the time of one request went: phase to seconds. */
const Seconds = z.record(z.string(), z.number())
export type Seconds = z.infer<typeof Seconds>

/** A program timed against itself, which a judge does once an hour. */
const SelfTiming = z.strictObject({
  device: z.enum(['cpu', 'cuda']),
  ratio: z.number(),
  ci_low: z.number().describe('Lower end of the 95 % interval'),
  ci_high: z.number().describe('Upper end'),
  is_good: z.boolean().describe('Whether it is 1 as far as one can tell; otherwise timings are left out'),
})
export type SelfTiming = z.infer<typeof SelfTiming>

const Verdict = z.strictObject({
  type: z.literal('verdict'),
  nonce: z.string(),
  rows: z.array(JudgedRow),
  seconds: Seconds,
  self_timings: z.array(SelfTiming),
})

/** What was seen of a program that is not as it must be. */
export const ProgramFinding = z.strictObject({
  cause: z.string().describe('`IMPORT_ERROR`, `FAILS`, `CONSTANT`, `RETURNS_INPUT`, or why it was not run'),
  log: z.string(),
  certain: z.boolean().describe('Whether it is the program and not this machine'),
  missing_module: z
    .string()
    .nullable()
    .describe('The module that could not be found; null where that is not what is wrong'),
})
export type ProgramFinding = z.infer<typeof ProgramFinding>

const Checked = z.strictObject({ type: z.literal('checked'), nonce: z.string(), finding: ProgramFinding.nullable() })

const TracedGraph = z.strictObject({
  graph: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable()
    .describe('Fingerprint; null where there is none'),
  cause: z.string().nullable().describe('Why there is none, in UPPER_CASE'),
  detail: z.string().nullable().describe('The same for people'),
})
export type TracedGraph = z.infer<typeof TracedGraph>

const Traced = TracedGraph.extend({ type: z.literal('traced'), nonce: z.string() })

/** What TorchInductor wrote, or why it wrote nothing. */
export const CompiledProgram = z.strictObject({
  source: z.string().nullable().describe('Python with `ModelNew`; null where there is none'),
  compiler: z.string().nullable().describe('What wrote it, with its version'),
  refusal: z
    .strictObject({ cause: z.string().describe('`EXTERN_ONLY`, `UNSUPPORTED`, or an error'), log: z.string() })
    .nullable(),
})
export type CompiledProgram = z.infer<typeof CompiledProgram>

const Compiled = CompiledProgram.extend({ type: z.literal('compiled'), nonce: z.string() }).strict()

/** A candidate in form `device` beside what it was made of. */
export const Conversion = z.strictObject({
  sources: z.array(SourceFile).nullable().describe('Plan and kernels; null where it cannot be converted'),
  refusal: z.strictObject({ cause: z.string(), log: z.string() }).nullable().describe('Why there are none'),
  rows: z.array(JudgedRow).describe('The verdict on the original; none where nothing can be run here'),
  converted_rows: z.array(JudgedRow).describe('The verdict on the conversion'),
  agreement: z
    .strictObject({ num_calls: z.int(), num_same_bits: z.int() })
    .nullable()
    .describe(
      'Calls that both were right on, side by side, and how many gave the same bits; null where one did not pass',
    ),
})
export type Conversion = z.infer<typeof Conversion>

const Converted = Conversion.extend({ type: z.literal('converted'), nonce: z.string() }).strict()

const Settled = z.strictObject({ type: z.literal('settled'), nonce: z.string() })

const Fault = z.strictObject({ type: z.literal('fault'), nonce: z.string(), code: z.string(), message: z.string() })

/** The first line of a judge. */
export const Greeting = z.discriminatedUnion('type', [Ready, Failed])

/** Every later line: a verdict on the candidate, what was seen of a program, what a compiler wrote, the graph of a reference, or a failure of the machine. */
export const Answer = z.discriminatedUnion('type', [Verdict, Checked, Compiled, Converted, Traced, Settled, Fault])
export type Answer = z.infer<typeof Answer>
