import { z } from 'zod'
import { keepFirstOfCluster } from './duplicates.ts'
import type { DatasetFilter } from './types.ts'

const Options = z.strictObject({
  by: z
    .enum(['graph', 'reference'])
    .default('reference')
    .describe(
      '`graph`: references that trace to the same graph, shapes aside; `reference`: whose text is nearly the same',
    ),
  most: z.int().positive().default(8).describe('Candidates kept over all tasks that ask for the same'),
})
type Options = z.infer<typeof Options>

/** Keeps so many candidates for what is one question, however many tasks ask it: 23 % of KernelBook asks it again. */
export const semanticDedup: DatasetFilter<Options> = {
  id: 'semantic-dedup',
  version: 1,
  kind: 'dataset',
  summary: 'Keeps a few candidates over all tasks whose references do the same',
  options: Options,
  select: (candidates, { by, most }) =>
    keepFirstOfCluster(candidates, {
      cluster: by === 'graph' ? 'semantic_cluster' : 'reference_cluster',
      within: 'dataset',
      most,
      reason: 'duplicate_task',
    }),
}
