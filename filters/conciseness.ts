import { z } from 'zod'
import type { DatasetFilter } from './types.ts'

const limit = (meaning: string) =>
  z.number().positive().nullable().default(null).describe(`${meaning}; null for no limit`)

const Options = z.strictObject({
  max_reasoning_tokens: z
    .int()
    .positive()
    .nullable()
    .default(16_384)
    .describe('Longest reasoning in tokens, under the tokenizer the row names; null for no limit'),
  max_ratio_to_median: limit(
    'Longest reasoning as a multiple of the median of its task, among what the filters before kept',
  ),
  max_rank: limit('Reasonings kept of each task, the shortest ones, among what the filters before kept'),
  max_code_tokens: limit('Longest implementation in tokens of the default tokenizer'),
  max_code_lines: limit('Longest implementation in lines that are not blank'),
  max_comment_share: limit('Largest share of the code that is comments, 0 to 1'),
  max_repetition: limit('Largest share of the lines of the reasoning that repeat earlier ones, 0 to 1'),
  without_reasoning: z
    .enum(['keep', 'refuse'])
    .default('keep')
    .describe('What happens to candidates nobody wrote a reasoning for'),
})
type Options = z.infer<typeof Options>

/**
 * Keeps concise candidates. Length is compared within the task and under one tokenizer, since harder tasks need more thought: pooled
 * over tasks it measures difficulty (ConCuR, arXiv 2510.07356, whose reviewers asked for this).
 */
export const conciseness: DatasetFilter<Options> = {
  id: 'conciseness',
  version: 2,
  kind: 'dataset',
  summary: 'Keeps candidates with short reasoning, absolutely and against the median of the task, and short code',
  options: Options,
  select(candidates, options) {
    const rules = rulesOf(options)
    const failed = rules.map(({ measure, most, reason }) => `WHEN ${measure} > ${most} THEN '${reason}'`)
    const scores = rules.map(({ measure, most }) => `WHEN ${measure} > ${most} THEN ${measure}`)
    const limits = rules.map(({ measure, most }) => `WHEN ${measure} > ${most} THEN ${most}`)
    const absent = options.without_reasoning === 'refuse' ? `WHEN reasoning_tokens IS NULL THEN 'no_reasoning'` : ''
    return `WITH measured AS (SELECT *,
        median(reasoning_tokens) OVER measure AS middle,
        rank() OVER (measure ORDER BY reasoning_tokens NULLS LAST) AS place
      FROM ${candidates} WINDOW measure AS (PARTITION BY task_id, tokenizer)),
      judged AS (SELECT *, CASE ${failed.join(' ')} ${absent} ELSE NULL END AS problem FROM measured)
      SELECT candidate_id, problem IS NULL AS keep, problem AS reason,
        CASE WHEN problem = 'reasoning_long_for_task' THEN 'the median of the task is ' || middle || ' tokens' END AS detail,
        CAST(CASE ${scores.join(' ')} ELSE reasoning_tokens END AS DOUBLE) AS score,
        CAST(CASE ${limits.join(' ')} ELSE ${options.max_reasoning_tokens ?? 'NULL'} END AS DOUBLE) AS threshold
      FROM judged`
  },
}

// In the order in which they give the reason.
function rulesOf(options: Options) {
  const rules = [
    { measure: 'code_tokens', most: options.max_code_tokens, reason: 'code_too_long' },
    { measure: 'code_lines', most: options.max_code_lines, reason: 'code_too_long' },
    { measure: 'comment_share', most: options.max_comment_share, reason: 'too_many_comments' },
    { measure: 'reasoning_tokens', most: options.max_reasoning_tokens, reason: 'reasoning_too_long' },
    { measure: 'reasoning_repetition', most: options.max_repetition, reason: 'reasoning_repeats' },
    {
      measure: 'reasoning_tokens',
      most: options.max_ratio_to_median === null ? null : `(${options.max_ratio_to_median} * middle)`,
      reason: 'reasoning_long_for_task',
    },
    {
      measure: '(CASE WHEN reasoning_tokens IS NOT NULL THEN place END)',
      most: options.max_rank,
      reason: 'others_are_shorter',
    },
  ]
  // Never without a rule: a CASE needs one.
  return [...rules.filter(({ most }) => most !== null), { measure: 'NULL', most: '0', reason: 'never' }]
}
