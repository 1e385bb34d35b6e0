import { z } from 'zod'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  library_calls: z
    .enum(['allow', 'forbid'])
    .default('forbid')
    .describe(
      'Whether the code may call operators of libraries that do a kernel’s work, such as `torch.matmul` or cuBLAS',
    ),
  max_library_share: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(null)
    .describe('Largest share of GPU time in kernels of libraries, where it was measured; null for any'),
  min_own_kernel_share: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(null)
    .describe('Smallest share of GPU time in kernels of its own, where it was measured; null for any'),
})
type Options = z.infer<typeof Options>

/** Keeps what does its work itself: 59 % of the rows of KernelBook hand the main operator to a library. */
export const policy: RecordFilter<Options> = {
  id: 'policy',
  version: 1,
  kind: 'record',
  summary: 'Keeps candidates that compute with kernels of their own and not with those of libraries',
  options: Options,
  decide({ facts }, options) {
    const { library_calls, library_share, own_kernel_share } = facts
    const { max_library_share: most, min_own_kernel_share: least } = options
    if (most !== null && library_share !== null && library_share > most) {
      return refuse('library_does_the_work', null, library_share, most)
    }
    if (least !== null && own_kernel_share !== null && own_kernel_share < least) {
      return refuse('own_kernels_do_little', null, own_kernel_share, least)
    }
    const isForbidden = options.library_calls === 'forbid' && library_calls !== null && library_calls !== ''
    return isForbidden ? refuse('library_call', library_calls) : keep(library_share ?? own_kernel_share)
  },
}
