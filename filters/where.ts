import { z } from 'zod'
import type { DatasetFilter } from './types.ts'

const Options = z
  .string()
  .trim()
  .min(1)
  .max(10_000)
  .describe(
    'SQL over the columns of docs/records/candidate-facts.md: `speedup_eager_ci_low > 1.05 and contracts_failed = 0`',
  )

/** Keeps what the recipe's own predicate holds for. It is checked when the recipe is read, so that it fails before anything runs. */
export const where: DatasetFilter<string> = {
  id: 'where',
  version: 1,
  kind: 'dataset',
  summary: 'Keeps candidates for which a SQL predicate over their facts is true; one that is null is not true',
  options: Options,
  // The line break ends a comment that the predicate may end with.
  select: (candidates, predicate) => `SELECT candidate_id, coalesce((${predicate}\n), false) AS keep,
    'predicate_false' AS reason FROM ${candidates}`,
}
