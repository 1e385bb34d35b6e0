import { z } from 'zod'
import { canonicalJson } from '../../pipelines/core/hash.ts'
import type { Column } from '../../pipelines/core/parquet.ts'
import { candidateFacts } from '../../pipelines/core/records/candidate-facts.ts'
import { evidenceColumns } from '../columns/evidence.ts'
import { implementationColumns } from '../columns/implementation.ts'
import { provenanceColumns } from '../columns/provenance.ts'
import type { SelectionColumn } from '../columns/selection-column.ts'
import type { DatasetConfig, Selection } from '../types.ts'

const Options = z.strictObject({})

const FACTS = new Set(candidateFacts.columns.map(({ name }) => name))

/** What a filter of licences or safety forbids to pass on. */
const TEXTS = new Set(['reference', 'code', 'sources', 'reasoning', 'pairing_evidence'])

const OWN: readonly SelectionColumn[] = [
  {
    name: 'selected',
    type: 'boolean',
    nullable: false,
    description: 'Whether all filters kept it',
    valueOf: ({ isSelected }) => isSelected,
  },
  // What facts say already goes by their name.
  ...[...implementationColumns, ...evidenceColumns, ...provenanceColumns].filter(
    ({ name }) => !FACTS.has(name) && !name.startsWith('speedup'),
  ),
  {
    name: 'verdicts',
    type: 'string',
    nullable: false,
    description: 'JSON list, one per filter that was asked: `filter`, `keep`, `score`, `threshold`, `reason`, `parts`',
    statistics: false,
    valueOf: ({ decisions }) =>
      canonicalJson(
        decisions.map(({ filter, keep, score, threshold, reason, parts }) => ({
          filter,
          keep,
          score,
          threshold,
          reason,
          parts,
        })),
      ),
  },
]

const COLUMNS: readonly Column[] = [
  ...candidateFacts.columns,
  ...OWN.map((column) => (TEXTS.has(column.name) ? withheld(column) : column)),
]

/**
 * Every candidate, selected or not, with all that was measured of it: each other selection is a filter over these rows. Its columns
 * are those that `--input` reads.
 */
export const candidates: DatasetConfig<z.infer<typeof Options>> = {
  id: 'candidates',
  version: 3,
  summary:
    'Every candidate, selected or not, with its facts, clusters and what each filter said: for selections of your own',
  options: Options,
  columns: COLUMNS,
  async *rows(dataset) {
    for await (const { task, candidates } of dataset.tasks()) {
      for (const candidate of candidates) {
        const own = OWN.map((column) => [column.name, isShown(column, candidate) ? column.valueOf(candidate) : null])
        yield { taskId: task.id, row: { ...candidate.facts, ...Object.fromEntries(own) } }
      }
    }
  },
}

function isShown({ name }: Column, { isPublishable }: Selection): boolean {
  return isPublishable || !TEXTS.has(name)
}

function withheld({ name, type, description, statistics }: SelectionColumn): Column {
  const forbidden = `${description}; null where licence or contents forbid to pass it on`
  return { name, type, nullable: true, description: forbidden, ...(statistics === undefined ? {} : { statistics }) }
}
