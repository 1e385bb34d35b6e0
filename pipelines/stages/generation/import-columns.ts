import { z } from 'zod'
import type { RowMapping } from '../../../extractors/imports/columns.ts'

const column = (meaning: string) => z.string().nullable().default(null).describe(meaning)
const text = (meaning: string) =>
  z
    .string()
    .describe(`${meaning}: a column, or a text in which \`{name}\` stands for one, numbers and truth values included`)

const Attempt = z.strictObject({
  code: z.string().default('code').describe('Name of the implementation within an attempt'),
  reasoning: z.string().nullable().default(null).describe('Name of the reasoning that led to it; null for none'),
  feedback: text('What was found out about it, which the attempt after it was made with').nullable().default(null),
})

const Search = z.strictObject({
  id: z.string().default('id').describe('Column that names an attempt, once in the file'),
  parent: z
    .string()
    .default('parent_id')
    .describe('Column with the `id` of the attempt it was made from, which stands before it; empty for a first one'),
  score: column(
    'Column with a number, larger is better: of each search the way to its best attempt is kept; null for the way to every last one',
  ),
  feedback: text('What was found out about it, which those made from it were made with').nullable().default(null),
})

/** Which column of an imported file holds what. */
export const ImportColumns = z
  .strictObject({
    task: z.string().default('task').describe('Column with the id or the name of the task'),
    reference: column(
      'Column with the program of the task (`Model`), for files that bring their tasks; null where `task` names one',
    ),
    code: z
      .string()
      .nullable()
      .default('code')
      .describe('Column with the implementation (`ModelNew`); null for a file of tasks alone'),
    reasoning: z.string().nullable().default('reasoning').describe('Column with the reasoning trace; null for none'),
    generator: z.string().nullable().default('model').describe('Column with the name of the model; null for none'),
    language: z.string().nullable().default('language').describe('Column with the kernel language; null for none'),
    turns: column(
      'Column with a list of turns, in place of `code`: messages with `role` and `content`, or what `attempt` says; they become a trajectory',
    ),
    attempt: Attempt.nullable().default(null).describe('What a turn holds, where the list is none of messages'),
    search: Search.nullable()
      .default(null)
      .describe(
        'For logs of searches with a row per attempt: how rows follow from each other; they become trajectories',
      ),
  })
  .superRefine(({ turns, attempt, search }, context) => {
    if (attempt !== null && turns === null)
      context.addIssue({
        code: 'custom',
        path: ['attempt'],
        message: 'says what the items of a list hold: name it in `turns`',
      })
    if (search !== null && turns !== null)
      context.addIssue({
        code: 'custom',
        path: ['search'],
        message: 'is for a row per attempt, `turns` for a list of them in a row: give one',
      })
  })
export type ImportColumns = z.infer<typeof ImportColumns>

/** What the columns of a recipe mean for a row. */
export function mappingOfColumns(columns: ImportColumns): RowMapping {
  const named = (name: string | null): string | null => (name === null ? null : `{${name}}`)
  const filled = (template: string | null): string | null =>
    template?.includes('{') === true ? template : named(template)
  const { task, reference, code, reasoning, generator, language, turns, attempt, search } = columns
  return {
    task: `{${task}}`,
    reference: named(reference),
    reference_class: null,
    code: turns === null ? named(code) : null,
    code_class: null,
    functional: null,
    workloads: null,
    turns,
    attempt:
      attempt === null
        ? null
        : {
            ...attempt,
            code: `{${attempt.code}}`,
            reasoning: named(attempt.reasoning),
            feedback: filled(attempt.feedback),
          },
    reasoning: named(reasoning),
    generator: named(generator),
    language: named(language),
    repo_name: null,
    commit_sha: null,
    license: null,
    attempt_id: search === null ? null : `{${search.id}}`,
    parent_id: search === null ? null : `{${search.parent}}`,
    score: search === null ? null : named(search.score),
    feedback: filled(search?.feedback ?? null),
  }
}
