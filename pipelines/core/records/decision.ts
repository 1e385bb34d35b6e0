import { z } from 'zod'
import { defineTable } from '../table.ts'

/** One filter's verdict on one candidate. Every candidate has one row per filter of the recipe that was asked, kept or not. */
export const Decision = z.object({
  candidate_id: z.string().describe('The implementation decided on'),
  task_id: z.string().describe('The task it implements'),
  filter: z.string().describe('Filter with version: `speedup@1`'),
  keep: z.boolean().describe('Whether this filter keeps it; a row is selected when every filter does'),
  score: z.number().nullable().describe('What was measured; null where the filter measures nothing'),
  threshold: z.number().nullable().describe('What it was compared with'),
  reason: z.string().nullable().describe('snake_case reason of a refusal; null where kept'),
  detail: z.string().nullable().describe('What a reader needs to understand the reason'),
  parts: z
    .array(z.string())
    .describe('Parts of the filter’s rule that hold, such as `high_speedup`; empty for rules of one part'),
})
export type Decision = z.infer<typeof Decision>

export const decisions = defineTable('decisions', Decision)

/** A candidate that all filters kept. */
export const Selected = z.object({
  candidate_id: z.string().describe('The implementation decided on'),
  task_id: z.string().describe('The task it implements'),
  selected_by: z
    .array(z.string())
    .describe(
      'Filters that kept it, with versions, and after a colon each part of their rules that holds: `concur@1:high_speedup`',
    ),
})
export type Selected = z.infer<typeof Selected>

export const selected = defineTable('selected', Selected)
/** The names under which a candidate's decisions count: `selected_by`, whether all filters kept it or not. */
export function selectedBy(own: readonly Pick<Decision, 'filter' | 'keep' | 'parts'>[]): string[] {
  return own
    .filter(({ keep }) => keep)
    .flatMap(({ filter, parts }) => [filter, ...parts.map((part) => `${filter}:${part}`)])
}
