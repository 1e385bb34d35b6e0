import { judgedWorkloads } from '../../pipelines/core/judged-workloads.ts'
import type { Baseline, Evaluation } from '../../pipelines/core/records/evaluation.ts'
import type { Task } from '../../pipelines/core/records/task.ts'
import { fenceOf, fillPart } from './prompt-file.ts'
import type { PromptFile } from './prompt-file.ts'
import { prompts } from './bundled-prompts.ts'

/** The texts that feedback is made of. */
export const feedbackPrompt: PromptFile = requirePrompt('feedback')

/** What a model is told of an answer that nothing could be made of. */
export function feedbackOnAnswer(detail: string, asked: Asked): string {
  return fillPart(feedbackPrompt, 'no_code', { ...wordsFor(asked), detail })
}

/** What was asked for: feedback asks for the same. */
type Asked = Pick<PromptFile, 'language' | 'form'>

function wordsFor(asked: Asked): Record<'program' | 'entry' | 'block', string> {
  const block = fenceOf(asked)
  return asked.form === 'python'
    ? { program: 'module', entry: 'the class `ModelNew`', block }
    : { program: 'source file', entry: 'the function `extern "C" int run`', block }
}

/** What a model is told of its attempt: the first failure, or how fast it is and what it takes of the device. */
export function feedbackOnEvaluations(
  evaluations: readonly Evaluation[],
  task: Pick<Task, 'workloads'>,
  asked: Asked,
): string {
  const words = wordsFor(asked)
  const judged = judgedWorkloads(evaluations)
  const failure = judged.find(({ status }) => status !== 'PASSED')
  if (failure === undefined) {
    const timing = judged.map((evaluation) => timingOf(evaluation, task)).join('\n')
    const values = { ...words, timing, profile: profileOf(judged), facts: factsOf(judged) }
    return fillPart(feedbackPrompt, 'passed', values).replaceAll(/\n{3,}/g, '\n\n')
  }
  const place = placeOf(failure, task)
  const log = `${place === '' ? '' : `${place}:\n`}${shorten(failure.log)}`
  return fillPart(feedbackPrompt, partOf(failure), { ...words, cause: failure.cause ?? failure.status, log })
}

function partOf({ status, stage }: Evaluation): string {
  if (status === 'COMPILE_ERROR' || stage === 'build') return 'build'
  if (status === 'TIMEOUT') return 'timeout'
  if (status.startsWith('INCORRECT_')) return 'wrong'
  return status === 'REWARD_HACK' ? 'refused' : 'error'
}

function timingOf(evaluation: Evaluation, task: Pick<Task, 'workloads'>): string {
  const place = placeOf(evaluation, task)
  const where = place === '' ? '' : ` ${place.replace(/^For/, 'for')}`
  const { performance } = evaluation
  if (performance === null) return `It could not be timed${where}.`
  const { latency_ms, reference_latency_ms, speedup, speedup_ci_low, speedup_ci_high } = performance
  const interval = `between ${figure(speedup_ci_low)} and ${figure(speedup_ci_high)}`
  const eager = `It takes ${figure(latency_ms)} ms${where}; PyTorch takes ${figure(reference_latency_ms)} ms, ${figure(speedup)} times that (${interval}).`
  return [eager, ...(performance.baselines ?? []).flatMap(comparedWith)].join(' ')
}

function comparedWith({ baseline, latency_ms, speedup }: Baseline): string[] {
  if (latency_ms === null || speedup === null) return []
  const mode = baseline === 'compile' ? 'torch.compile' : 'torch.compile in its mode max-autotune'
  return [`With ${mode} PyTorch takes ${figure(latency_ms)} ms, ${figure(speedup)} times yours.`]
}

// What a profiler saw of one call: where its time goes, of the workload that takes longest.
function profileOf(evaluations: readonly Evaluation[]): string {
  const slowest = evaluations
    .filter(({ work }) => work !== null)
    .toSorted((a, b) => (b.performance?.latency_ms ?? 0) - (a.performance?.latency_ms ?? 0))[0]
  const work = slowest?.work ?? null
  if (work === null || work.parts.length === 0) return ''
  const rest = Math.max(0, 1 - work.own_kernel_share - work.library_share)
  const head = `Of the time of a call ${percent(work.own_kernel_share)} goes to code of yours, ${percent(work.library_share)} to that of libraries, and ${percent(rest)} to filling and copying. What takes longest:`
  const lines = work.parts.slice(0, MAX_KERNELS).map(({ name, origin, num_calls, share }) => {
    const calls = num_calls === 1 ? 'once' : `${num_calls} times`
    return `- ${name === OWN_EXTENSION ? 'functions of your extension' : name}, ${calls}: ${percent(share)}${origin === 'library' ? ', not yours' : ''}`
  })
  return [head, ...lines].join('\n')
}

// What the judge calls functions of a candidate's extension (docs/records/evaluation.md).
const OWN_EXTENSION = 'curate::own'

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

// What ptxas says, once per kernel.
function factsOf(evaluations: readonly Evaluation[]): string {
  const kernels = evaluations.find(({ build }) => (build?.kernels.length ?? 0) > 0)?.build?.kernels ?? []
  return kernels
    .slice(0, MAX_KERNELS)
    .map(({ name, registers, shared_bytes, spill_store_bytes, spill_load_bytes }) => {
      const spills = spill_store_bytes + spill_load_bytes
      const spilled = spills === 0 ? 'nothing spilled' : `${spills} bytes of registers spilled to local memory`
      return `${name}: ${registers} registers per thread, ${shared_bytes} bytes of static shared memory, ${spilled}.`
    })
    .join('\n')
}

const MAX_KERNELS = 8

function placeOf({ workload_id }: Evaluation, { workloads }: Pick<Task, 'workloads'>): string {
  const axes = Object.entries(workloads.find(({ id }) => id === workload_id)?.axes ?? {})
  return axes.length === 0 ? '' : `For ${axes.map(([name, value]) => `${name} = ${value}`).join(', ')}`
}

function figure(value: number): string {
  return value.toPrecision(3)
}

// The beginning says what is wrong, the end which line: compilers and tracebacks differ in where they put it.
function shorten(log: string): string {
  if (log.length <= MAX_LOG) return log.trim()
  return `${log.slice(0, MAX_LOG / 2).trim()}\n[...]\n${log.slice(-MAX_LOG / 2).trim()}`
}

const MAX_LOG = 4000

function requirePrompt(id: string): PromptFile {
  const prompt = prompts.get(id)
  if (prompt === undefined) throw new TypeError(`the prompt ${id} does not come with curate`)
  return prompt
}
