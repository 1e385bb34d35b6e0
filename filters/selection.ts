import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '../pipelines/core/duckdb.ts'
import { messageOf } from '../pipelines/core/errors.ts'
import { openParquet } from '../pipelines/core/parquet.ts'
import { pluginName } from '../pipelines/core/plugin.ts'
import type { Enabled } from '../pipelines/core/plugin.ts'
import type { CandidateFacts } from '../pipelines/core/records/candidate-facts.ts'
import { candidateFacts } from '../pipelines/core/records/candidate-facts.ts'
import type { Decision } from '../pipelines/core/records/decision.ts'
import { readTable } from '../pipelines/core/table.ts'
import { signaturesOf } from './clusters/signatures.ts'
import { openFactTables, tableOf } from './fact-tables.ts'
import { ownFacts } from './facts/facts.ts'
import { REFUSAL_COLUMNS, openVerdicts } from './dataset-verdicts.ts'
import type { Outcome } from './dataset-verdicts.ts'
import type { Filter, Judged, Subject, Verdict } from './types.ts'
import { refuse } from './verdict.ts'

/** Applies the filters of a recipe to a stream of candidates. */
export interface Selection {
  /** Names of the filters with versions, in their order. */
  readonly filterNames: readonly string[]
  /** Takes a candidate and asks the record filters about it, all of them. Candidates of a task come together. */
  offer(judged: Judged): Promise<Decision[]>
  /** Asks the filters over the dataset, each about what all before it kept; to be called once, after the last candidate. */
  finish(): AsyncGenerator<Decision>
  /** What became of every candidate, in order of id; after `finish`. */
  outcomes(): AsyncGenerator<Outcome>
  /** The facts of every candidate, in order of id; after `finish`. */
  facts(): AsyncGenerator<CandidateFacts>
}

/** Opens a selection; `filters` in the order of the registry. `directory` is for its files, and emptied by who owns it. */
export async function openSelection(
  filters: readonly Enabled<Filter>[],
  database: Database,
  directory: string,
): Promise<Selection> {
  await mkdir(directory, { recursive: true })
  const filterNames = filters.map(({ plugin }) => pluginName(plugin))
  const tables = openFactTables(database, directory)
  const refusalFile = join(directory, 'refusals.parquet')
  const refusals = openParquet(refusalFile, REFUSAL_COLUMNS)
  const verdicts = openVerdicts(filters, database)
  let facts = ''
  return {
    filterNames,
    async offer(judged) {
      const { candidate, task, given } = judged
      const subject = { ...judged, facts: await ownFacts(judged, given) }
      await tables.add({ ...subject.facts, ...signaturesOf(judged) })
      const decisions: Decision[] = []
      for (const [place, filter] of filters.entries()) {
        const verdict = askRecordFilter(filter, subject)
        if (verdict === null) continue
        const decision = { candidate_id: candidate.id, task_id: task.id, filter: filterNames[place] ?? '', ...verdict }
        decisions.push(decision)
        if (!verdict.keep) await refusals.write({ ...decision, place })
      }
      return decisions
    },
    async *finish() {
      await refusals.close()
      facts = await tables.complete()
      yield* verdicts.decide(tableOf(facts), refusalFile)
    },
    outcomes: () => verdicts.outcomes(tableOf(facts)),
    facts: () => readTable(candidateFacts, facts),
  }
}

// Null for filters over the dataset. A filter that breaks on one candidate must not stop the others, and keeps nothing.
function askRecordFilter({ plugin, options }: Enabled<Filter>, subject: Subject): Verdict | null {
  if (plugin.kind !== 'record') return null
  try {
    return plugin.decide(subject, options)
  } catch (error) {
    return refuse('filter_failed', messageOf(error))
  }
}
