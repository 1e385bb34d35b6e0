import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Outcome } from '../../filters/dataset-verdicts.ts'
import { evidenceFacts } from '../../filters/facts/evidence-facts.ts'
import { ownFacts } from '../../filters/facts/facts.ts'
import { openSelection } from '../../filters/selection.ts'
import type { DatasetFilter, Filter, Judged, RecordFilter, Subject, Verdict } from '../../filters/types.ts'
import { openDatabase } from '../../pipelines/core/duckdb.ts'
import type { CandidateFacts, GivenFacts } from '../../pipelines/core/records/candidate-facts.ts'
import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import type { Decision } from '../../pipelines/core/records/decision.ts'
import type { Task } from '../../pipelines/core/records/task.ts'
import { aCandidate, aTask } from '../records.ts'

/** What a selection made of candidates. */
export interface Selected {
  readonly decisions: readonly Decision[]
  readonly outcomes: readonly Outcome[]
  readonly facts: readonly CandidateFacts[]
}

/** Runs filters over candidates, in the database and with files as a run does. */
export async function selectAll(
  filters: readonly { plugin: Filter; options: unknown }[],
  judged: readonly Judged[],
): Promise<Selected> {
  const directory = await mkdtemp(join(tmpdir(), 'curate-selection-'))
  const database = await openDatabase(join(directory, 'database'), new AbortController().signal)
  try {
    const selection = await openSelection(filters, database, join(directory, 'facts'))
    const decisions: Decision[] = []
    for (const each of judged) decisions.push(...(await selection.offer(each)))
    for await (const decision of selection.finish()) decisions.push(decision)
    const outcomes = await Array.fromAsync(selection.outcomes())
    return { decisions, outcomes, facts: await Array.fromAsync(selection.facts()) }
  } finally {
    await database.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** The verdicts of one filter over the dataset, in the order of the candidates. */
export async function askDataset<Options>(
  filter: DatasetFilter<Options>,
  judged: readonly Judged[],
  options: unknown = {},
): Promise<Decision[]> {
  const plugin: Filter = { ...filter, select: (candidates) => filter.select(candidates, filter.options.parse(options)) }
  const { decisions } = await selectAll([{ plugin, options: null }], judged)
  const byId = new Map(decisions.map((decision) => [decision.candidate_id, decision]))
  return judged.flatMap(({ candidate }) => byId.get(candidate.id) ?? [])
}

/** The verdict of a filter over single candidates. */
export async function askRecord<Options>(
  filter: RecordFilter<Options>,
  judged: Judged,
  options: unknown = {},
): Promise<Verdict> {
  return filter.decide({ ...judged, facts: await ownFacts(judged, judged.given) }, filter.options.parse(options))
}

const task = aTask()
const anyFacts = await ownFacts({ candidate: aCandidate(task), task, evaluations: [] })

/** A candidate with what its evaluations show. */
export function subjectOf(judged: Judged): Subject {
  return { ...judged, facts: { ...anyFacts, ...evidenceFacts(judged) } }
}

/** A candidate of which a file states these facts; `name` makes it another one. */
export function stated(name: string, given: GivenFacts = {}, fields: Partial<Candidate> = {}, of: Task = task): Judged {
  const sources = [{ path: 'kernel.py', content: `value = "${name}"\n` }]
  return { candidate: aCandidate(of, { id: name, sources, ...fields }), task: of, evaluations: [], given }
}
