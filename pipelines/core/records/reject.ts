import { z } from 'zod'
import { defineTable } from '../table.ts'

/** What a stage did not pass on, and why. */
export const Reject = z.object({
  record_id: z.string().describe('Id of the record, or the path of the file, that was not passed on'),
  stage: z.string().describe('Stage that did not pass it on'),
  by: z.string().describe('Stage or plug-in with version that refused it: `triton@1`'),
  reason: z.string().describe('Short reason in snake_case, to count by'),
  detail: z.string().nullable().describe('What a reader needs to understand the reason; at most 2 KiB'),
  source: z.string().describe('Id of the source or import in the recipe'),
})
export type Reject = z.infer<typeof Reject>

export const rejects = defineTable('rejects', Reject)

/** The reason of a reject that stands for a whole shard that failed: what follows is not complete. */
export const MISSING_SHARD = 'missing_shard'
