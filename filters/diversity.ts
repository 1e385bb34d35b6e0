import { z } from 'zod'
import { AXES } from './behaviour-axes.ts'
import type { Axis } from './behaviour-axes.ts'
import type { DatasetFilter } from './types.ts'

const BEHAVIOUR: readonly Axis[] = [
  'operator_family',
  'fusion_depth',
  'language',
  'shape_class',
  'memory_access',
  'parallelism',
  'precision',
]

const Options = z.strictObject({
  max_rows: z.int().positive().nullable().default(null).describe('Rows kept in all; null for no limit'),
  axes: z
    .array(z.literal(axisNames()))
    .min(1)
    .default([...BEHAVIOUR])
    .describe('What makes two candidates alike: those with the same values on all of them'),
  decay: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.9)
    .describe('What each further candidate of a kind is worth, as a share of the one before'),
  min_worth: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Least worth at which a candidate is kept, whatever `max_rows` leaves room for'),
})
type Options = z.infer<typeof Options>

/**
 * Maximal marginal selection: the best candidate of a kind counts in full, each further one less, and what is worth most is taken
 * until there are enough. Because worth falls by place alone, this greedy choice is the best one (Nemhauser et al., 1978, for the
 * separable case). A candidate's own worth is the mean of its places in the dataset by speed and by conciseness, 0 to 1.
 */
export const diversity: DatasetFilter<Options> = {
  id: 'diversity',
  version: 1,
  kind: 'dataset',
  summary: 'Takes the candidates that add most: each further one of the same kind is worth less',
  options: Options,
  select(candidates, { max_rows, axes, decay, min_worth }) {
    const kind = axes.map((axis) => AXES[axis]).join(', ')
    return `WITH valued AS (SELECT *,
        (cume_dist() OVER (ORDER BY speedup_eager_ci_low NULLS FIRST) + cume_dist() OVER (ORDER BY reasoning_ratio DESC NULLS FIRST)) / 2 AS own
        FROM ${candidates}),
      placed AS (SELECT *, row_number() OVER (PARTITION BY ${kind} ORDER BY own DESC, candidate_id) AS place FROM valued),
      worth AS (SELECT *, own * pow(${decay}, place - 1) AS worth FROM placed),
      ranked AS (SELECT *, row_number() OVER (ORDER BY worth DESC, candidate_id) AS turn FROM worth)
      SELECT candidate_id, worth >= ${min_worth} AND turn <= ${max_rows ?? Number.MAX_SAFE_INTEGER} AS keep, worth AS score,
        CAST(${min_worth} AS DOUBLE) AS threshold, 'enough_of_its_kind' AS reason, 'place ' || place || ' of its kind' AS detail FROM ranked`
  },
}

function axisNames(): Axis[] {
  return [...BEHAVIOUR, 'origin', 'generator', 'source', 'arl_bin']
}
