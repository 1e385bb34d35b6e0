import { z } from 'zod'
import { keepFirstOfCluster } from './duplicates.ts'
import type { DatasetFilter } from './types.ts'

const Options = z.strictObject({})

/** Keeps one candidate of each task for each implementation, whatever its comments and layout. */
export const exactDedup: DatasetFilter<z.infer<typeof Options>> = {
  id: 'exact-dedup',
  version: 3,
  kind: 'dataset',
  summary: 'Keeps one of the candidates of a task whose code differs in comments and layout only',
  options: Options,
  select: (candidates) =>
    keepFirstOfCluster(candidates, { cluster: 'exact_cluster', within: 'task', most: 1, reason: 'duplicate_code' }),
}
