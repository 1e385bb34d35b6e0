import { z } from 'zod'
import { keepFirstOfCluster } from './duplicates.ts'
import type { DatasetFilter } from './types.ts'

const Options = z.strictObject({
  within: z
    .enum(['task', 'dataset'])
    .default('task')
    .describe('`dataset` also keeps one of what implements several tasks with nearly the same code'),
  most: z.int().positive().default(1).describe('Candidates kept of each cluster'),
})
type Options = z.infer<typeof Options>

/** Keeps one of nearly the same codes: MinHash over runs of five words, own names aside, Jaccard similarity from 0.8. */
export const nearDedup: DatasetFilter<Options> = {
  id: 'near-dedup',
  version: 1,
  kind: 'dataset',
  summary: 'Keeps one of the candidates whose code is nearly the same, names of variables aside',
  options: Options,
  select: (candidates, { within, most }) =>
    keepFirstOfCluster(candidates, { cluster: 'near_cluster', within, most, reason: 'near_duplicate' }),
}
