import { z } from 'zod'
import type { OwnFacts } from '../pipelines/core/records/candidate-facts.ts'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  min: z.number().positive().default(1).describe('Smallest speedup, as a ratio; ConCuR’s second part takes 5'),
  over: z
    .enum(['eager', 'compile', 'best'])
    .default('eager')
    .describe('Reference in eager mode, under `torch.compile`, or the fastest of them on each workload'),
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
  version: 3,
  kind: 'record',
  summary: 'Keeps candidates at least `min` times as fast as a baseline, by geometric mean over workloads',
  options: Options,
  decide({ facts }, { min, over, figure, untimed }) {
    const score = facts[FIGURES[over][figure]]
    if (score === null) {
      return untimed === 'keep' ? keep(null, min) : refuse('untimed', `no figure over ${over}`, null, min)
    }
    return score >= min ? keep(score, min) : refuse('below_min_speedup', `${figure} ${score.toFixed(3)}`, score, min)
  },
}

type Figure = Extract<keyof OwnFacts, `speedup_${string}`>

const FIGURES: Readonly<Record<Options['over'], Readonly<Record<Options['figure'], Figure>>>> = {
  eager: { speedup: 'speedup_eager', speedup_ci_low: 'speedup_eager_ci_low' },
  compile: { speedup: 'speedup_compile', speedup_ci_low: 'speedup_compile_ci_low' },
  best: { speedup: 'speedup_best', speedup_ci_low: 'speedup_best_ci_low' },
}
