import { devicePeaks } from '../../pipelines/core/device-peaks.ts'
import type { DevicePeaks } from '../../pipelines/core/device-peaks.ts'
import type { Evaluation, Performance } from '../../pipelines/core/records/evaluation.ts'

/**
 * What the bytes of a call say of its time: how much it moves if everything is moved once, how fast that was, how much arithmetic comes to it, and on which side of the
 * roofline (https://doi.org/10.1145/1498765.1498785) it lies. Null where the bytes are not known.
 */
export function trafficOf({ performance, environment }: Evaluation): string | null {
  if (performance === null) return null
  const { input_bytes, parameter_bytes, output_bytes, latency_ms, reference_latency_ms } = performance
  if (input_bytes == null || parameter_bytes == null || output_bytes == null) return null
  const bytes = input_bytes + parameter_bytes + output_bytes
  const held = [
    `the arguments hold ${sizeOf(input_bytes)}`,
    ...(parameter_bytes > 0 ? [`parameters and buffers ${sizeOf(parameter_bytes)}`] : []),
  ]
  const [own, theirs] = [latency_ms, reference_latency_ms].map((milliseconds) => bytes / milliseconds / 1e6)
  const rates = `Moved once in ${latency_ms.toPrecision(3)} ms, that is ${rateOf(own ?? 0)}; PyTorch's time comes to ${rateOf(theirs ?? 0)}.`
  const facts = `What moves: ${held.join(', ')}, and the results ${sizeOf(output_bytes)}: ${sizeOf(bytes)} in all. ${rates}${arithmeticOf(performance, bytes)}`
  const sides = [sideOf(own ?? 0, environment.hardware), arithmeticSideOf(performance, bytes, environment.hardware)]
  return [facts, ...sides.filter((side) => side !== null)].join(' ')
}

function arithmeticOf({ flops, flops_dtype, latency_ms }: Performance, bytes: number): string {
  if (flops == null || flops_dtype == null) return ''
  const rate = flops / latency_ms / 1e9
  return ` Products take ${(flops / 1e9).toPrecision(3)} GFLOP in ${flops_dtype}, ${(flops / bytes).toPrecision(3)} per byte: ${rate.toPrecision(3)} TFLOPS.`
}

function sideOf(rate: number, hardware: string): string | null {
  const peak = devicePeaks(hardware)?.bandwidth
  if (peak === undefined) return null
  const share = rate / peak
  const base = `The memory of ${hardware} gives ${peak} GB/s, of which that is ${(100 * share).toPrecision(3)} %.`
  if (share > BEYOND) return `${base} More than there is: some of it stays in caches or is not read at all.`
  if (share >= NEAR)
    return `${base} So it lies on the memory side of the roofline, and only fewer bytes would make it much faster.`
  return `${base} So bandwidth alone does not explain its time: arithmetic, latency, the launch or bytes that are moved more than once do.`
}

// Where products dominate, the roof is that of the arithmetic: above as many operations per byte as the device can do in the time of one.
function arithmeticSideOf(
  { flops, flops_dtype, latency_ms }: Performance,
  bytes: number,
  hardware: string,
): string | null {
  const peaks = devicePeaks(hardware)
  if (flops == null || flops_dtype == null || peaks === null) return null
  const peak = peakFor(flops_dtype, flops / latency_ms / 1e9, peaks)
  if (peak === null) return null
  const ridge = (1000 * peak) / peaks.bandwidth
  const share = flops / latency_ms / 1e9 / peak
  const base = `Products in ${flops_dtype} reach ${peak} TFLOPS there at best, of which that is ${(100 * share).toPrecision(3)} %.`
  const side = flops / bytes > ridge ? 'arithmetic' : 'memory'
  return `${base} Their roof begins at ${ridge.toPrecision(3)} operations per byte: by its own count this task is on the side of ${side}.`
}

// Where float32 is rounded to TensorFloat-32 the matrix units are its roof; only a rate beyond the other one shows it.
function peakFor(dtype: string, rate: number, { float16, float32, tensor_float32 }: DevicePeaks): number | null {
  if (dtype === 'float16' || dtype === 'bfloat16') return float16
  const known = dtype === 'float32' ? [float32, tensor_float32] : []
  return known.find((peak) => peak !== null && rate <= BEYOND * peak) ?? null
}

// Clocks and medians are right to a few percent; copies reach 85 to 95 % of what datasheets say.
const BEYOND = 1.05
const NEAR = 0.6

function sizeOf(bytes: number): string {
  const [unit = 'B', scale = 1] = UNITS.find(([, each]) => bytes >= each) ?? []
  return scale === 1 ? `${bytes} B` : `${(bytes / scale).toPrecision(3)} ${unit}`
}

const UNITS: readonly (readonly [string, number])[] = [
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
]

function rateOf(rate: number): string {
  return `${rate.toPrecision(3)} GB/s`
}
