import { selectedBy } from '../../pipelines/core/records/decision.ts'
import type { SelectionColumn } from './selection-column.ts'

/** Where the row came from: enough to look every piece up. */
export const provenanceColumns: readonly SelectionColumn[] = [
  {
    name: 'origin',
    type: 'string',
    nullable: false,
    description:
      '`mined`: a repository’s own kernel; `generated`: a model; `imported`: a dataset; `compiled`, `revision`',
    valueOf: ({ candidate }) => candidate.origin,
  },
  {
    name: 'generator',
    type: 'string',
    nullable: true,
    description: 'Model that wrote the code; null for people’s code',
    valueOf: ({ candidate }) => candidate.generator,
  },
  {
    name: 'source',
    type: 'string',
    nullable: false,
    description: 'Id of the source or import in the recipe',
    valueOf: ({ candidate }) => candidate.source,
  },
  {
    name: 'repo_name',
    type: 'string',
    nullable: true,
    description: 'Repository of the code; null for generated code',
    valueOf: ({ candidate }) => candidate.repo_name,
  },
  {
    name: 'commit_sha',
    type: 'string',
    nullable: true,
    description: 'Commit the code was read at; null for generated code',
    valueOf: ({ candidate }) => candidate.commit_sha,
  },
  {
    name: 'path',
    type: 'string',
    nullable: true,
    description: 'File of the first of `pieces`; null for generated code',
    valueOf: ({ candidate }) => candidate.pieces[0]?.path ?? null,
  },
  {
    name: 'license',
    type: 'string',
    nullable: true,
    description: 'SPDX expression over all pieces of the code; null where nothing says one, as for generated code',
    valueOf: ({ candidate }) => candidate.license,
  },
  {
    name: 'pieces',
    type: {
      list: { struct: { path: 'string', start_line: 'int64', end_line: 'int64', license: 'string' } },
    },
    nullable: false,
    description: 'Spans of the repository that the code was made of, lines from 1 and inclusive, each with its licence',
    statistics: false,
    valueOf: ({ candidate }) => candidate.pieces,
  },
  {
    name: 'reference_repo_name',
    type: 'string',
    nullable: false,
    description: 'Repository of the reference',
    valueOf: ({ task }) => task.repo_name,
  },
  {
    name: 'reference_commit_sha',
    type: 'string',
    nullable: false,
    description: 'Commit the reference was read at',
    valueOf: ({ task }) => task.commit_sha,
  },
  {
    name: 'reference_path',
    type: 'string',
    nullable: false,
    description: 'File of the reference',
    valueOf: ({ task }) => task.path,
  },
  {
    name: 'reference_license',
    type: 'string',
    nullable: true,
    description: 'SPDX expression that holds for the file of the reference',
    valueOf: ({ task }) => task.license,
  },
  {
    name: 'pairing_method',
    type: 'string',
    nullable: true,
    description: 'How the reference was found, method with version; null for imported tasks',
    valueOf: ({ task }) => task.pairing?.method ?? null,
  },
  {
    name: 'pairing_evidence',
    type: 'string',
    nullable: true,
    description: '`file:line` and text of the comparison or definition that pairs code and reference',
    statistics: false,
    valueOf: ({ task: { pairing } }) =>
      pairing === null ? null : `${pairing.path}:${pairing.line} ${pairing.expression}`,
  },
  {
    name: 'pairing_confidence',
    type: 'double',
    nullable: true,
    description: '0 to 1: how surely the reference means the same as the code',
    valueOf: ({ task }) => task.pairing?.confidence ?? null,
  },
  {
    name: 'selected_by',
    type: { list: 'string' },
    nullable: false,
    description:
      'Filters that kept the row, with versions, and after a colon each part of their rules that holds: `concur@1:high_speedup`',
    statistics: false,
    valueOf: ({ decisions }) => selectedBy(decisions),
  },
  {
    name: 'decisions',
    type: 'string',
    nullable: false,
    description: 'JSON: what each filter measured (`score`) and compared it with (`threshold`)',
    statistics: false,
    valueOf: ({ decisions }) =>
      JSON.stringify(decisions.map(({ filter, score, threshold }) => ({ filter, score, threshold }))),
  },
]
