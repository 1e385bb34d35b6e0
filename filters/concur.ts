import { z } from 'zod'
import type { DatasetFilter } from './types.ts'

const PARTS = ['concise_and_fast', 'high_speedup', 'single_operator'] as const

const Options = z.strictObject({
  parts: z
    .array(z.enum(PARTS))
    .min(1)
    .default([...PARTS])
    .describe(
      'Parts whose union is kept. All of them are worked out and named in `selected_by`, whichever are listed here',
    ),
  figure: z
    .enum(['speedup_eager', 'speedup_eager_ci_low'])
    .default('speedup_eager')
    .describe('What counts as speed: the ratio of medians, as ConCuR has it, or the lower end of its 95 % interval'),
  speedup: z
    .number()
    .positive()
    .default(5)
    .describe('`high_speedup` takes what is faster than this many times the reference'),
  single_operator: z
    .int()
    .min(0)
    .default(544)
    .describe('`single_operator` adds so many rows of tasks of one operator that no other part took, as ConCuR did'),
})
type Options = z.infer<typeof Options>

/**
 * ConCuR's selection (arXiv 2510.07356, section 3.5), to be set after `passed`: a task's sample where the shortest reasoning is also
 * the fastest; what is more than five times as fast as the reference; more rows of tasks of one operator, for balance. How the
 * paper picked the last is not said: here one of each task goes first, shorter reasoning before longer.
 */
export const concur: DatasetFilter<Options> = {
  id: 'concur',
  version: 1,
  kind: 'dataset',
  summary:
    'ConCuR’s rule: shortest is also fastest, or very fast, or of one operator for balance; parts in `selected_by`',
  options: Options,
  select(candidates, { parts, figure, speedup, single_operator }) {
    const list = PARTS.map((part) => `CASE WHEN ${part} THEN '${part}' END`)
    return `WITH eligible AS (SELECT candidate_id, task_id, reasoning_tokens, ${figure} AS speed, is_single_operator,
        reasoning_tokens IS NOT NULL AND ${figure} IS NOT NULL AS counts, coalesce(tokenizer, '') AS tokenizer FROM ${candidates}),
      compared AS (SELECT *,
        counts AND speed = max(speed) OVER sample AND min(tokenizer) OVER sample = max(tokenizer) OVER sample
          AND row_number() OVER (sample ORDER BY reasoning_tokens NULLS LAST, speed DESC NULLS LAST, candidate_id) = 1 AS concise_and_fast,
        coalesce(speed > ${speedup}, false) AS high_speedup
        FROM eligible WINDOW sample AS (PARTITION BY task_id, counts)),
      turns AS (SELECT *, row_number() OVER (PARTITION BY task_id, concise_and_fast OR high_speedup
          ORDER BY reasoning_tokens NULLS LAST, candidate_id) AS turn FROM compared),
      placed AS (SELECT *, row_number() OVER (PARTITION BY coalesce(is_single_operator, false) AND counts AND NOT (concise_and_fast OR high_speedup)
          ORDER BY turn, reasoning_tokens NULLS LAST, candidate_id) AS place FROM turns),
      flagged AS (SELECT *, coalesce(is_single_operator, false) AND counts AND NOT (concise_and_fast OR high_speedup)
          AND place <= ${single_operator} AS single_operator FROM placed)
      SELECT candidate_id, ${parts.join(' OR ')} AS keep, speed AS score, 'in_no_part' AS reason,
        list_filter([${list.join(', ')}], lambda part: part IS NOT NULL) AS parts FROM flagged`
  },
}
