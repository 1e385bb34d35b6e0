import { z } from 'zod'
import type { DatasetFilter } from './types.ts'

const PARTS = ['not_dominated', 'best_of_task', 'high_speedup'] as const

const Options = z.strictObject({
  per_task: z.int().positive().default(3).describe('Rows that `best_of_task` takes of each task'),
  conciseness_weight: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('0 counts speed alone, 1 length alone; at 0.5 half the length is worth twice the speed'),
  speedup: z
    .number()
    .positive()
    .nullable()
    .default(5)
    .describe('`high_speedup` takes what is surely faster than this, best of its task or not; null for none'),
})
type Options = z.infer<typeof Options>

/**
 * A score over conciseness and speed within the task, in place of ConCuR's demand that one sample be best at both: that keeps at most
 * one of a task and drops tasks whose fastest kernel took two lines more of thought. `score` is
 * (1 - w) ln(lower end of the speedup) + w ln(median length of the task / length). A candidate is dominated where another one of
 * the task is shorter and faster beyond noise; the best ones of those that are not are kept.
 */
export const taskScore: DatasetFilter<Options> = {
  id: 'task-score',
  version: 1,
  kind: 'dataset',
  summary: 'Keeps the best few of each task by a score over speed and conciseness, none that another beats at both',
  options: Options,
  select(candidates, { per_task, conciseness_weight: weight, speedup }) {
    const isFast = speedup === null ? 'false' : `coalesce(speedup_eager_ci_low > ${speedup}, false)`
    const list = PARTS.map((part) => `CASE WHEN ${part} THEN '${part}' END`)
    return `WITH scored AS (SELECT candidate_id, task_id, tokenizer, reasoning_tokens, speedup_eager_ci_low AS low, speedup_eager_ci_high AS high,
        ${1 - weight} * ln(CASE WHEN speedup_eager_ci_low > 0 THEN speedup_eager_ci_low END)
          + ${weight} * coalesce(ln(CASE WHEN reasoning_tokens > 0 THEN median(reasoning_tokens) OVER measure / reasoning_tokens END), 0) AS score,
        ${isFast} AS high_speedup
        FROM ${candidates} WINDOW measure AS (PARTITION BY task_id, tokenizer)),
      compared AS (SELECT *, coalesce(max(low) OVER (PARTITION BY task_id, tokenizer ORDER BY reasoning_tokens
          RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > high, false) AS dominated FROM scored),
      placed AS (SELECT *, NOT dominated AND score IS NOT NULL AS not_dominated,
        row_number() OVER (PARTITION BY task_id, dominated ORDER BY score DESC NULLS LAST, candidate_id) AS place FROM compared),
      flagged AS (SELECT *, not_dominated AND place <= ${per_task} AS best_of_task FROM placed)
      SELECT candidate_id, best_of_task OR high_speedup AS keep, score,
        CASE WHEN score IS NULL THEN 'untimed' WHEN dominated THEN 'dominated' ELSE 'others_score_higher' END AS reason,
        list_filter([${list.join(', ')}], lambda part: part IS NOT NULL) AS parts FROM flagged`
  },
}
