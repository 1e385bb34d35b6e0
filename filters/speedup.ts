import { z } from 'zod'
import { geomeanSpeedup } from '../pipelines/core/speedup.ts'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  min: z
    .number()
    .positive()
    .default(1)
    .describe('Smallest speedup over the reference in eager mode, as a ratio; ConCuR’s second part takes 5'),
  figure: z
    .enum(['speedup_ci_low', 'speedup'])
    .default('speedup_ci_low')
    .describe(
      'What is compared: the lower end of the 95 % interval, which noise does not lift, or the ratio of medians',
    ),
  untimed: z
    .enum(['keep', 'refuse'])
    .default('keep')
    .describe('What happens to candidates that could not be timed honestly, such as those of an interpreter'),
})
type Options = z.infer<typeof Options>

/** Keeps what is fast: the geometric mean over the workloads of a candidate against `min`. */
export const speedup: RecordFilter<Options> = {
  id: 'speedup',
  version: 2,
  kind: 'record',
  summary: 'Keeps candidates at least `min` times as fast as the reference, by geometric mean over workloads',
  options: Options,
  decide({ evaluations }, { min, figure, untimed }) {
    const score = geomeanSpeedup(evaluations, figure)
    if (score === null) {
      return untimed === 'keep' ? keep(null, min) : refuse('untimed', 'not every workload was timed', null, min)
    }
    return score >= min ? keep(score, min) : refuse('below_min_speedup', `${figure} ${score.toFixed(3)}`, score, min)
  },
}
