import { judgedWorkloads } from '../../pipelines/core/judged-workloads.ts'
import type { Reasoning } from '../../pipelines/core/records/candidate.ts'
import type { Evaluation, Performance } from '../../pipelines/core/records/evaluation.ts'
import { geomeanSpeedup } from '../../pipelines/core/speedup.ts'
import { DEFAULT_TOKENIZER, countTokens } from '../../pipelines/core/tokenizer.ts'
import type { Selection } from '../types.ts'
import { trafficOf } from './memory-traffic.ts'

/** What a rationale is written from. */
interface Measured extends Pick<Selection, 'evaluations' | 'task'> {
  readonly facts: Pick<Selection['facts'], 'operators' | 'num_operators'>
}

/**
 * A reasoning written from what the validator measured: that the code is right and by how much, how fast it is, what it
 * moves, which operators of PyTorch it stands for, and what its kernels take of the device. The same evaluations give the same words. Null where it is not right, or was not timed: then nothing is there
 * to explain. Its kind is `evidence`, so that it is never taken for a model's or a person's.
 */
export async function evidenceRationale(selection: Measured): Promise<Reasoning | null> {
  const judged = judgedWorkloads(selection.evaluations)
  const speedup = geomeanSpeedup(selection.evaluations, 'speedup')
  const [first] = judged
  if (first === undefined || speedup === null) return null
  const paragraphs = [
    correctnessOf(judged),
    speedOf(judged, selection, speedup),
    trafficOf(first),
    replacedBy(selection),
    workOf(first),
    kernelsOf(first),
    whatFollows(first, speedup, geomeanSpeedup(selection.evaluations, 'speedup_ci_low')),
  ]
  const text = paragraphs.filter((paragraph) => paragraph !== null).join('\n\n')
  return { text, kind: 'evidence', num_tokens: await countTokens(text), tokenizer: DEFAULT_TOKENIZER }
}

function correctnessOf(judged: readonly Evaluation[]): string {
  const calls = judged.reduce((sum, { correctness }) => sum + (correctness?.num_calls ?? 0), 0)
  const cases = judged.length === 1 ? 'one workload' : `${judged.length} workloads`
  const base = `Measured, not thought: in ${calls} calls with fresh inputs on ${cases} every output agreed with the reference.`
  const bits = least(judged.map(({ correctness }) => correctness?.effective_bits))
  const own = least(judged.map(({ correctness }) => correctness?.reference_effective_bits))
  if (bits === null || own === null) return base
  const verdict = bits + 1 >= own ? 'nothing is lost' : 'some precision is lost, within the tolerance'
  return `${base} Against float64 at least ${bits.toFixed(1)} bits are right, of ${own.toFixed(1)} that PyTorch itself gets right: ${verdict}.`
}

function least(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value) => value !== null && value !== undefined)
  return known.length === 0 ? null : Math.min(...known)
}

function speedOf(judged: readonly Evaluation[], { task }: Pick<Selection, 'task'>, speedup: number): string {
  const hardware = judged[0]?.environment.hardware ?? 'the device'
  const lines = judged.flatMap(({ workload_id, performance }) => {
    if (performance === null) return []
    const axes = Object.entries(task.workloads.find(({ id }) => id === workload_id)?.axes ?? {})
    const place =
      axes.length === 0 ? 'As written' : `With ${axes.map(([name, value]) => `${name} = ${value}`).join(', ')}`
    return [`- ${place}: ${timesOf(performance)}`]
  })
  const mean = judged.length === 1 ? '' : ` The geometric mean over all is ${figure(speedup)}.`
  return `Medians on ${hardware}, calls of both sides in turn:\n${lines.join('\n')}${mean === '' ? '' : `\n\n${mean.trim()}`}`
}

function timesOf(performance: Performance): string {
  const { latency_ms, reference_latency_ms, speedup, speedup_ci_low, speedup_ci_high } = performance
  const interval = `${figure(speedup_ci_low)} to ${figure(speedup_ci_high)}`
  const eager = `${figure(latency_ms)} ms where PyTorch in eager mode takes ${figure(reference_latency_ms)} ms, a ratio of ${figure(speedup)} (95 % interval ${interval}).`
  const others = (performance.baselines ?? []).flatMap(({ baseline, latency_ms: theirs, speedup: ratio }) => {
    const mode = baseline === 'compile' ? 'torch.compile' : 'torch.compile in its mode max-autotune'
    return theirs === null || ratio === null
      ? []
      : [`With ${mode} it takes ${figure(theirs)} ms, a ratio of ${figure(ratio)}.`]
  })
  return [eager, ...others].join(' ')
}

function figure(value: number): string {
  return value.toPrecision(3)
}

// Each operator is at least one kernel there, and none sees what another holds in registers.
function replacedBy({ facts: { operators, num_operators } }: Measured): string | null {
  if (operators === null || num_operators === null || num_operators < 2) return null
  const names = operators.split(',').filter((name) => name !== '')
  const told = names.length === 0 ? '' : ` (${names.slice(0, MAX_NAMES).join(', ')})`
  return `In eager mode PyTorch runs the ${num_operators} operators of the reference${told} one after the other, each with its result in memory.`
}

const MAX_NAMES = 12

// What a profiler saw of one call: what it launches in their place, and what of that is not its own.
function workOf({ work, proved_on }: Evaluation): string | null {
  const own = (work?.parts ?? []).filter(({ origin }) => origin === 'own')
  if (work === null || own.length === 0) return null
  const calls = own.reduce((sum, { num_calls }) => sum + num_calls, 0)
  const kind = proved_on === 'gpu' ? 'kernels' : 'functions'
  const names = own
    .slice(0, MAX_NAMES)
    .map(({ name, num_calls, share }) => `${nameOf(name)} (${num_calls} times, ${percent(share)})`)
  const rest = Math.max(0, 1 - work.own_kernel_share - work.library_share)
  const library =
    work.library_share === 0 ? 'nothing is left to libraries' : `${percent(work.library_share)} is left to libraries`
  return `One call of this runs ${kind} of its own ${calls === 1 ? 'once' : `${calls} times`}, ${percent(work.own_kernel_share)} of its time: ${names.join(', ')}; ${library}, and ${percent(rest)} goes to filling and copying.`
}

// What the judge calls functions of a candidate's extension (docs/records/evaluation.md).
function nameOf(name: string): string {
  return name === 'curate::own' ? 'functions of its extension' : name
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}

function kernelsOf({ build }: Evaluation): string | null {
  const kernels = build?.kernels ?? []
  if (kernels.length === 0) return null
  const head = kernels.length === 1 ? 'It compiles to one kernel:' : `It compiles to ${kernels.length} kernels:`
  const lines = kernels.map(({ name, registers, shared_bytes, spill_store_bytes, spill_load_bytes }) => {
    const spills = spill_store_bytes + spill_load_bytes
    const spilled = spills === 0 ? 'nothing is spilled' : `${spills} bytes are spilled to local memory`
    return `- \`${name}\`: ${registers} registers per thread, which allow ${warpsFor(registers)} warps per multiprocessor; ${shared_bytes} bytes of static shared memory; ${spilled}.`
  })
  return [head, ...lines].join('\n')
}

// 65,536 registers per multiprocessor, given to warps in units of 256, at most 64 warps: compute capability 7.0 to 10.0 but 7.5, 8.6,
// 8.7 and 8.9, which have fewer warps (CUDA C++ Programming Guide, technical specifications per compute capability).
function warpsFor(registers: number): number {
  const perWarp = Math.ceil((Math.max(registers, 1) * 32) / 256) * 256
  return Math.min(64, Math.floor(65_536 / perWarp))
}

// Only what the figures themselves bear out.
function whatFollows({ build }: Evaluation, speedup: number, low: number | null): string {
  const isSure = low !== null && low > 1
  const spilled = (build?.kernels ?? []).some(({ spill_store_bytes }) => spill_store_bytes > 0)
  if (speedup > 1 && isSure) {
    const room = spilled ? ' Registers that are spilled cost traffic that a smaller tile would save.' : ''
    return `So it is faster than PyTorch, beyond what noise explains.${room}`
  }
  if (speedup > 1) return 'So it may be faster than PyTorch, but noise could explain the difference.'
  return 'So it is right, and not faster than PyTorch.'
}
