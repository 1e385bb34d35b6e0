import { z } from 'zod'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  min: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('Smallest share of the peak of bandwidth or arithmetic that limits the task'),
  max: z
    .number()
    .positive()
    .default(1.05)
    .describe('Largest believable share; more than the peak is a mistake of somebody'),
  unmeasured: z.enum(['keep', 'refuse']).default('keep').describe('What happens to candidates without the figure'),
})
type Options = z.infer<typeof Options>

/** Keeps what comes near to what the hardware can do, whatever the reference did. */
export const roofline: RecordFilter<Options> = {
  id: 'roofline',
  version: 1,
  kind: 'record',
  summary: 'Keeps candidates that reach a share of the hardware’s peak, and no more than it has',
  options: Options,
  decide({ facts: { roofline_share } }, { min, max, unmeasured }) {
    if (roofline_share === null) return unmeasured === 'keep' ? keep(null, min) : refuse('unmeasured', null, null, min)
    if (roofline_share > max) return refuse('above_the_peak', `share ${roofline_share.toFixed(3)}`, roofline_share, max)
    return roofline_share >= min ? keep(roofline_share, min) : refuse('far_from_the_peak', null, roofline_share, min)
  },
}
