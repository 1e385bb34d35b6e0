import { answers } from '../core/records/answer.ts'
import { candidateFacts } from '../core/records/candidate-facts.ts'
import { candidates } from '../core/records/candidate.ts'
import { datasetFiles } from '../core/records/dataset-file.ts'
import { decisions, selected } from '../core/records/decision.ts'
import { evaluations } from '../core/records/evaluation.ts'
import { kernels } from '../core/records/kernel.ts'
import { publications, publishedFiles } from '../core/records/publication.ts'
import { rejects } from '../core/records/reject.ts'
import { tasks } from '../core/records/task.ts'
import { validatedCandidates } from '../core/records/validated-candidate.ts'
import { trajectories } from '../core/records/trajectory.ts'
import type { Column } from '../core/parquet.ts'
import type { Table } from '../core/table.ts'
import { nestedFieldsOf } from './nested-fields.ts'

/** One page of documentation per record type, from the descriptions in its schema. */
export function recordPages(): [path: string, content: string][] {
  return PAGES.map(({ file, title, text, table }) => [`docs/records/${file}.md`, renderPage(title, text, table)])
}

const PAGES: readonly { file: string; title: string; text: string; table: Table<unknown> }[] = [
  { file: 'kernel', title: 'Kernel', text: 'One mined device function. Written by `mine`.', table: kernels },
  {
    file: 'task',
    title: 'Task',
    text: 'A PyTorch reference program with its workloads. Written by `pair`, and by `generate` for files that bring their tasks.',
    table: tasks,
  },
  {
    file: 'candidate',
    title: 'Candidate',
    text: 'An implementation offered for a task. Written by `pair` (a repository’s own kernel, and its past states) and `generate` (a model’s or a dataset’s).',
    table: candidates,
  },
  {
    file: 'trajectory-turn',
    title: 'Trajectory turn',
    text: 'One turn of a trajectory. Written by `pair` (revisions in a file’s history) and `generate` (turns of a model).',
    table: trajectories,
  },
  {
    file: 'answer',
    title: 'Answer',
    text: 'One answer of a model, whether anything could be made of it or not. Written by `generate`.',
    table: answers,
  },
  {
    file: 'evaluation',
    title: 'Evaluation',
    text: 'The validator’s verdict on one candidate and one workload. Written by `validate`.',
    table: evaluations,
  },
  {
    file: 'decision',
    title: 'Decision',
    text: 'One filter’s verdict on one candidate; every candidate has one per filter. Written by `filter`.',
    table: decisions,
  },
  {
    file: 'candidate-facts',
    title: 'Candidate facts',
    text: 'Everything that is known of a candidate as plain values: what filters compare and what `filters.where` may name. Written by `filter`.',
    table: candidateFacts,
  },
  {
    file: 'validated-candidate',
    title: 'Validated candidate',
    text: 'A row of a file given with `--input`: a candidate that another program validated. Any column may be left out.',
    table: validatedCandidates,
  },
  {
    file: 'selected',
    title: 'Selected',
    text: 'A candidate that every filter kept. Written by `filter`.',
    table: selected,
  },
  {
    file: 'dataset-file',
    title: 'Dataset file',
    text: 'One file of an exported dataset. Written by `export`.',
    table: datasetFiles,
  },
  {
    file: 'publication',
    title: 'Publication',
    text: 'What was committed to the Hub, or would be. Written by `publish`.',
    table: publications,
  },
  {
    file: 'published-file',
    title: 'Published file',
    text: 'What a publication does, or would do, with one file. Written by `publish`.',
    table: publishedFiles,
  },
  {
    file: 'reject',
    title: 'Reject',
    text: 'What a stage did not pass on, and why. Written by every stage.',
    table: rejects,
  },
]

function renderPage(title: string, text: string, table: Table<unknown>): string {
  const columns = table.columns.map(
    (column) =>
      `| \`${column.name}\` | ${typeName(column)} | ${yes(column.nullable)} | ${escape(column.description)} |`,
  )
  const fields = nestedFieldsOf(table.schema).map(
    ({ path, type, nullable, meaning }) => `| \`${path}\` | ${type} | ${yes(nullable)} | ${escape(meaning)} |`,
  )
  return [
    `# ${title}`,
    '',
    text,
    '',
    `Table \`${table.name}\`: \`work/<recipe>/<stage>/<shard>/${table.name}.parquet\`. This page is generated from the schema.`,
    '',
    '| column | type | may be null | meaning |',
    '| --- | --- | --- | --- |',
    ...columns,
    '',
    ...(fields.length === 0 ? [] : ['Inside the JSON columns:', '', ...FIELD_HEAD, ...fields, '']),
  ].join('\n')
}

const FIELD_HEAD = ['| field | type | may be null | meaning |', '| --- | --- | --- | --- |']

function yes(value: boolean): string {
  return value ? 'yes' : ''
}

function typeName({ type }: Column): string {
  if (typeof type === 'string') return type
  return 'list' in type ? 'list' : 'struct'
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
