import { parquetTable } from '../pipelines/core/duckdb.ts'
import type { Database } from '../pipelines/core/duckdb.ts'
import type { Column, ParquetRow } from '../pipelines/core/parquet.ts'
import { pluginName } from '../pipelines/core/plugin.ts'
import type { Enabled } from '../pipelines/core/plugin.ts'
import { Decision } from '../pipelines/core/records/decision.ts'
import type { Filter } from './types.ts'
import { MAX_DETAIL } from './verdict.ts'

/** What became of a candidate: kept by all filters, or refused, by the first of them in their order that did. */
export interface Outcome {
  readonly candidateId: string
  readonly taskId: string
  readonly source: string
  readonly refusal: { readonly filter: string; readonly reason: string; readonly detail: string | null } | null
  /** Names of the parts of rules that hold, as `concur@1:high_speedup`. */
  readonly parts: readonly string[]
}

/** What record filters refused, as a file: one row per refusal. */
export const REFUSAL_COLUMNS: readonly Column[] = [
  { name: 'candidate_id', type: 'string', nullable: false, description: '' },
  { name: 'place', type: 'int64', nullable: false, description: 'Place of the filter in their order, from 0' },
  { name: 'reason', type: 'string', nullable: true, description: '' },
  { name: 'detail', type: 'string', nullable: true, description: '' },
]

/** The filters over the dataset at work, all of them in the database. */
export interface DatasetVerdicts {
  decide(facts: string, refusalFile: string): AsyncGenerator<Decision>
  outcomes(facts: string): AsyncGenerator<Outcome>
}

export function openVerdicts(filters: readonly Enabled<Filter>[], database: Database): DatasetVerdicts {
  return {
    async *decide(facts, refusalFile) {
      await database.run(`CREATE OR REPLACE TABLE refusal AS
        SELECT candidate_id, place, reason, detail FROM ${parquetTable([refusalFile], REFUSAL_COLUMNS)}`)
      await database.run('CREATE OR REPLACE TABLE part (candidate_id VARCHAR, place BIGINT, part VARCHAR)')
      for (const [place, filter] of filters.entries()) {
        if (filter.plugin.kind === 'dataset') yield* ask(filter, place, facts, database)
      }
    },
    outcomes: (facts) => readOutcomes(filters, facts, database),
  }
}

// A filter is asked about what all filters before it kept, those over single candidates included.
async function* ask(
  { plugin, options }: Enabled<Filter>,
  place: number,
  facts: string,
  database: Database,
): AsyncGenerator<Decision> {
  if (plugin.kind !== 'dataset') return
  await database.run(
    `CREATE OR REPLACE TABLE refused_before AS SELECT DISTINCT candidate_id FROM refusal WHERE place < ${place}`,
  )
  await database.run(
    `CREATE OR REPLACE VIEW candidates AS SELECT * FROM ${facts} ANTI JOIN refused_before USING (candidate_id)`,
  )
  await database.run(`CREATE OR REPLACE TABLE answer AS ${plugin.select('candidates', options)}`)
  await database.run(`CREATE OR REPLACE TABLE verdict AS SELECT asked.candidate_id, asked.task_id, ${await answerColumns(database)}
    FROM (SELECT candidate_id, task_id FROM candidates) asked LEFT JOIN answer USING (candidate_id)`)
  await requireVerdicts(plugin.id, database)
  await database.run(`INSERT INTO refusal SELECT candidate_id, ${place}, reason, detail FROM verdict WHERE NOT keep`)
  await database.run(`INSERT INTO part SELECT candidate_id, ${place}, unnest(parts) FROM verdict WHERE keep`)
  const filter = pluginName(plugin)
  for await (const row of database.query('SELECT * FROM verdict ORDER BY candidate_id')) yield decisionOf(row, filter)
  await database.run('DROP TABLE answer')
  await database.run('DROP TABLE verdict')
}

const ANSWER = {
  keep: 'BOOLEAN',
  score: 'DOUBLE',
  threshold: 'DOUBLE',
  reason: 'VARCHAR',
  detail: 'VARCHAR',
  parts: 'VARCHAR[]',
} as const

// What a filter has nothing to say of, it leaves out.
async function answerColumns(database: Database): Promise<string> {
  const given = new Set<string>()
  for await (const row of database.query('DESCRIBE answer')) given.add(String(row['column_name']))
  const columns = Object.entries(ANSWER).map(([name, type]) => {
    if (!given.has(name))
      return name === 'parts' ? 'CAST([] AS VARCHAR[]) AS parts' : `CAST(NULL AS ${type}) AS ${name}`
    if (name === 'detail') return `left(answer.detail, ${MAX_DETAIL}) AS detail`
    return name === 'parts' ? `coalesce(answer.parts, []) AS parts` : `CAST(answer.${name} AS ${type}) AS ${name}`
  })
  return columns.join(', ')
}

// Silence is no consent, and two answers are none.
async function requireVerdicts(filter: string, database: Database): Promise<void> {
  const wrong = database.query(`SELECT candidate_id FROM verdict GROUP BY candidate_id
    HAVING count(*) <> 1 OR bool_or(keep IS NULL) ORDER BY candidate_id LIMIT 1`)
  for await (const { candidate_id } of wrong)
    throw new TypeError(`${filter} gave no verdict on ${String(candidate_id)}`)
}

function decisionOf(row: ParquetRow, filter: string): Decision {
  const { keep, reason, detail } = row
  return Decision.parse({
    ...row,
    filter,
    reason: keep === true ? null : reason,
    detail: keep === true ? null : detail,
  })
}

async function* readOutcomes(
  filters: readonly Enabled<Filter>[],
  facts: string,
  database: Database,
): AsyncGenerator<Outcome> {
  const names = filters.map(({ plugin }) => pluginName(plugin))
  const rows = database.query(`SELECT candidate_id, task_id, source, first.place, first.reason, first.detail, parts
    FROM ${facts} facts
    LEFT JOIN (SELECT candidate_id, arg_min({place: place, reason: reason, detail: detail}, place) AS first
      FROM refusal GROUP BY candidate_id) USING (candidate_id)
    LEFT JOIN (SELECT candidate_id, list(place || ' ' || part ORDER BY place, part) AS parts FROM part GROUP BY candidate_id)
      USING (candidate_id)
    ORDER BY candidate_id`)
  for await (const { candidate_id, task_id, source, place, reason, detail, parts } of rows) {
    const refusal =
      place === null
        ? null
        : { filter: names[Number(place)] ?? '', reason: textOr(reason, ''), detail: textOr(detail, null) }
    yield {
      candidateId: String(candidate_id),
      taskId: String(task_id),
      source: String(source),
      refusal,
      parts: Array.isArray(parts) ? parts.map((part) => partName(String(part), names)) : [],
    }
  }
}

function partName(text: string, names: readonly string[]): string {
  const [place = '', part = ''] = text.split(' ')
  return `${names[Number(place)] ?? ''}:${part}`
}

function textOr<Absent>(value: unknown, absent: Absent): string | Absent {
  return typeof value === 'string' ? value : absent
}
