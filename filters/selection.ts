import { messageOf } from '../pipelines/core/errors.ts'
import { pluginName } from '../pipelines/core/plugin.ts'
import type { Enabled } from '../pipelines/core/plugin.ts'
import type { Decision } from '../pipelines/core/records/decision.ts'
import type { Filter, Signature, Signed, Subject, Verdict } from './types.ts'
import { refuse } from './verdict.ts'

/** What became of a candidate: kept by all filters, or refused, by the first of them in their order that did. */
export interface Outcome {
  readonly candidateId: string
  readonly taskId: string
  readonly source: string
  readonly refusal: { readonly filter: string; readonly reason: string; readonly detail: string | null } | null
}

/** Applies the filters of a recipe to a stream of candidates. */
export interface Selection {
  /** Names of the filters with versions, in their order. */
  readonly filterNames: readonly string[]
  /** Asks the record filters, all of them. The outcome is null until the filters over the dataset have spoken. */
  offer(subject: Subject): Promise<{ decisions: Decision[]; outcome: Outcome | null }>
  /** Asks the filters over the dataset, each about what all before it kept; to be called once, at the end. */
  finish(): { decisions: Decision[]; outcomes: Outcome[] }
}

// A candidate that waits for filters over the dataset: ids and small signatures alone, so that millions fit into memory.
interface Waiting {
  readonly candidateId: string
  readonly taskId: string
  readonly source: string
  refusal: { readonly place: number; readonly verdict: Verdict } | null
  readonly signatures: readonly (Signature | null)[]
}

/** Opens a selection; `filters` in the order of the registry. */
export function openSelection(filters: readonly Enabled<Filter>[]): Selection {
  const filterNames = filters.map(({ plugin }) => pluginName(plugin))
  const waiting: Waiting[] = []

  function outcomeOf({ candidateId, taskId, source, refusal }: Omit<Waiting, 'signatures'>): Outcome {
    const ids = { candidateId, taskId, source }
    if (refusal === null) return { ...ids, refusal: null }
    const { reason, detail } = refusal.verdict
    return { ...ids, refusal: { filter: filterNames[refusal.place] ?? '', reason: reason ?? '', detail } }
  }
  return {
    filterNames,
    async offer(subject) {
      const { candidate } = subject
      const verdicts = filters.map((filter) => askRecordFilter(filter, subject))
      const place = verdicts.findIndex((verdict) => verdict?.keep === false)
      const verdict = verdicts[place]
      const refusal = verdict === undefined || verdict === null ? null : { place, verdict }
      const signatures = await sign(filters.slice(0, refusal?.place), subject)
      const decisions = verdicts.flatMap((verdict, index) =>
        verdict === null ? [] : [decisionOf(candidate.id, candidate.task_id, filterNames[index] ?? '', verdict)],
      )
      const ids = { candidateId: candidate.id, taskId: candidate.task_id, source: candidate.source }
      if (signatures.every((signature) => signature === null)) {
        return { decisions, outcome: outcomeOf({ ...ids, refusal }) }
      }
      waiting.push({ ...ids, refusal, signatures })
      return { decisions, outcome: null }
    },
    finish() {
      waiting.sort((a, b) => (a.candidateId < b.candidateId ? -1 : 1))
      const decisions = filters.flatMap((filter, place) => askDatasetFilter(filter, place, waiting))
      return { decisions, outcomes: waiting.map(outcomeOf) }
    },
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

async function sign(filters: readonly Enabled<Filter>[], subject: Subject): Promise<(Signature | null)[]> {
  return Promise.all(
    filters.map(async ({ plugin, options }) => (plugin.kind === 'dataset' ? plugin.sign(subject, options) : null)),
  )
}

function askDatasetFilter(
  { plugin, options }: Enabled<Filter>,
  place: number,
  waiting: readonly Waiting[],
): Decision[] {
  if (plugin.kind !== 'dataset') return []
  const asked = waiting.filter(({ refusal }) => refusal === null || refusal.place > place)
  const verdicts = plugin.select(
    asked.map((candidate) => signedOf(candidate, place)),
    options,
  )
  return asked.map((candidate) => {
    const verdict = verdicts.get(candidate.candidateId)
    if (verdict === undefined) throw new TypeError(`${plugin.id} gave no verdict on ${candidate.candidateId}`)
    if (!verdict.keep) candidate.refusal = { place, verdict }
    return decisionOf(candidate.candidateId, candidate.taskId, pluginName(plugin), verdict)
  })
}

function signedOf({ candidateId, taskId, signatures }: Waiting, place: number): Signed {
  return { candidateId, taskId, signature: signatures[place] ?? {} }
}

function decisionOf(candidate_id: string, task_id: string, filter: string, verdict: Verdict): Decision {
  return { candidate_id, task_id, filter, ...verdict }
}
