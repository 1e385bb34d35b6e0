import { z } from 'zod'
import { quoteText } from '../pipelines/core/duckdb.ts'
import { AXES } from './behaviour-axes.ts'
import { SURVIVOR_ORDER } from './survivor-order.ts'
import type { DatasetFilter } from './types.ts'

const cap = (what: string) =>
  z.int().positive().nullable().default(null).describe(`Candidates kept of each ${what}; null for no limit`)

const AxisName = z.enum(Object.keys(AXES))

const Options = z.strictObject({
  per_task: cap('task'),
  per_repository: cap('repository of the code, or of the reference where a model wrote the code'),
  per_generator: cap('model'),
  quotas: z
    .partialRecord(AxisName, z.record(z.string(), z.int().min(0)))
    .default({})
    .describe(
      'Axis to value to candidates kept of it: `operator_family: { matmul: 500 }`; values that are not named have no limit',
    ),
})
type Options = z.infer<typeof Options>

/** Keeps the first ones, in the order of survivors, of whatever would otherwise fill the dataset. */
export const caps: DatasetFilter<Options> = {
  id: 'caps',
  version: 1,
  kind: 'dataset',
  summary: 'Keeps at most so many candidates of a task, a repository, a model or a kind',
  options: Options,
  select(candidates, options) {
    const rules = rulesOf(options)
    const places = rules.map(
      ({ of }, index) => `row_number() OVER (PARTITION BY ${of} ORDER BY ${SURVIVOR_ORDER}) AS place_${index}`,
    )
    const problems = rules.map(
      ({ of, most, reason }, index) => `WHEN (${of}) IS NOT NULL AND place_${index} > ${most} THEN '${reason}'`,
    )
    return `SELECT candidate_id, problem IS NULL AS keep, problem AS reason FROM
      (SELECT *, CASE ${problems.join(' ')} WHEN false THEN '' END AS problem
        FROM (SELECT ${['*', ...places].join(', ')} FROM ${candidates}))`
  },
}

// A value without a quota has as many as there are: its limit is absent, and nothing is more than that.
function rulesOf({ per_task, per_repository, per_generator, quotas }: Options) {
  const rules = [
    { of: 'task_id', most: per_task, reason: 'task_is_full' },
    { of: 'coalesce(repo_name, reference_repo_name)', most: per_repository, reason: 'repository_is_full' },
    { of: 'generator', most: per_generator, reason: 'generator_is_full' },
  ]
  const ofAxes = Object.entries(AXES).flatMap(([axis, of]) => {
    const quota = Object.entries(quotas).find(([name]) => name === axis)?.[1] ?? {}
    const cases = Object.entries(quota).map(([value, most]) => `WHEN ${quoteText(value)} THEN ${most}`)
    return cases.length === 0 ? [] : [{ of, most: `(CASE ${of} ${cases.join(' ')} END)`, reason: `${axis}_is_full` }]
  })
  return [...rules.filter(({ most }) => most !== null), ...ofAxes]
}
