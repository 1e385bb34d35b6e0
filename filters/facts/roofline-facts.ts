import { devicePeaks } from '../../pipelines/core/device-peaks.ts'
import type { DevicePeaks } from '../../pipelines/core/device-peaks.ts'
import { judgedWorkloads } from '../../pipelines/core/judged-workloads.ts'
import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'
import { geometricMean } from '../../pipelines/core/speedup.ts'
import type { Judged } from '../types.ts'
import { OPERATOR_FAMILIES } from './operator-families.ts'

/**
 * The share of what the hardware gives that a call reaches: of its bandwidth if arguments, parameters and results are each moved once,
 * or of its arithmetic in products, convolutions and attention, whichever limits it (the roofline,
 * https://doi.org/10.1145/1498765.1498785). Null for references whose arithmetic nobody counted, or that read a part of their
 * arguments only.
 */
export function rooflineFacts({ evaluations }: Pick<Judged, 'evaluations'>, operators: string | null) {
  const names = operators?.split(',') ?? []
  const isKnown = operators !== null && !names.some((name) => NOT_MOVED_ONCE.has(name))
  const isCounted = names.some((name) => COUNTED.has(name))
  const shares = judgedWorkloads(evaluations).map((evaluation) => shareOf(evaluation, isCounted))
  const share = isKnown ? geometricMean(shares) : null
  // More than there is means that the bytes were not moved, and says nothing.
  return { roofline_share: share !== null && share <= BEYOND ? share : null }
}

const NOT_MOVED_ONCE = membersOf(['recurrent', 'indexing', 'quantization', 'sorting'])
const COUNTED = membersOf(['attention', 'convolution', 'matmul'])

function membersOf(families: readonly string[]): ReadonlySet<string> {
  return new Set(families.flatMap((family) => OPERATOR_FAMILIES[family] ?? []))
}

// Clocks and medians are right to a few percent.
const BEYOND = 1.05

function shareOf({ performance, environment }: Evaluation, isCounted: boolean): number | null {
  const peaks = devicePeaks(environment.hardware)
  if (performance === null || peaks === null) return null
  const { input_bytes, parameter_bytes, output_bytes, latency_ms, flops, flops_dtype } = performance
  if (input_bytes == null || parameter_bytes == null || output_bytes == null) return null
  const moving = (input_bytes + parameter_bytes + output_bytes) / 1e6 / peaks.bandwidth
  if (!isCounted) return moving / latency_ms
  const peak = arithmeticPeak(peaks, flops_dtype ?? null)
  if (flops == null || peak === null) return null
  return Math.max(moving, flops / 1e9 / peak) / latency_ms
}

/** TFLOPS of a dtype: of float32 without rounding it to TensorFloat-32. Null where no datasheet says. */
function arithmeticPeak(peaks: DevicePeaks, dtype: string | null): number | null {
  if (dtype === 'float16' || dtype === 'bfloat16') return peaks.float16
  return dtype === 'float32' ? peaks.float32 : null
}
