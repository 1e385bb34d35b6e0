import { z } from 'zod'

/** How far back kernels are followed. */
export const HistoryOptions = z.strictObject({
  max_revisions: z
    .int()
    .min(2)
    .max(100)
    .default(8)
    .describe('States of one implementation that become candidates, the newest ones, the present one included'),
  max_commits: z
    .int()
    .positive()
    .max(10_000)
    .default(200)
    .describe('Commits looked at per file, the newest ones; merges are left out'),
  keep: z
    .array(z.string())
    .default([])
    .describe(
      'Glob patterns of files that are read as they are today, besides tests: such as tables that say which function stands for which operator',
    ),
})
export type HistoryOptions = z.infer<typeof HistoryOptions>
