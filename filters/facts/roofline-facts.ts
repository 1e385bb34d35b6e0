import { judgedWorkloads } from '../../pipelines/core/judged-workloads.ts'
import { memoryPeak } from '../../pipelines/core/memory-peaks.ts'
import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'
import { geometricMean } from '../../pipelines/core/speedup.ts'
import type { Judged } from '../types.ts'
import { OPERATOR_FAMILIES } from './operator-families.ts'

/**
 * The share of the hardware's bandwidth that a call reaches, if arguments, parameters and results are each moved once: the memory side
 * of the roofline (https://doi.org/10.1145/1498765.1498785). Null for references with operators whose arithmetic counts, which nobody
 * has counted, or that read a part of their arguments only.
 */
export function rooflineFacts({ evaluations }: Pick<Judged, 'evaluations'>, operators: string | null) {
  const isMoved = operators !== null && operators.split(',').every((name) => !NOT_MOVED_ONCE.has(name))
  const share = isMoved ? geometricMean(judgedWorkloads(evaluations).map(shareOf)) : null
  // More than there is means that the bytes were not moved, and says nothing.
  return { roofline_share: share !== null && share <= BEYOND ? share : null }
}

const NOT_MOVED_ONCE = new Set(
  ['attention', 'convolution', 'matmul', 'recurrent', 'indexing', 'quantization', 'sorting'].flatMap(
    (family) => OPERATOR_FAMILIES[family] ?? [],
  ),
)

// Clocks and medians are right to a few percent.
const BEYOND = 1.05

function shareOf({ performance, environment }: Evaluation): number | null {
  const peak = memoryPeak(environment.hardware)
  if (performance === null || peak === null) return null
  const { input_bytes, parameter_bytes, output_bytes, latency_ms } = performance
  if (input_bytes == null || parameter_bytes == null || output_bytes == null) return null
  return (input_bytes + parameter_bytes + output_bytes) / latency_ms / 1e6 / peak
}
