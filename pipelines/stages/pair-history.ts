import { followHistory } from '../../extractors/history/repository-history.ts'
import type { HistoryRequest } from '../../extractors/history/repository-history.ts'
import { languages } from '../../extractors/languages/registry.ts'
import type { MiningOptions } from '../../extractors/mining.ts'
import type { Language } from '../../extractors/types.ts'
import { claimsOf } from '../../filters/trace/claims.ts'
import { enabledPlugins, pluginConfig } from '../core/plugin.ts'
import { candidates } from '../core/records/candidate.ts'
import type { Candidate } from '../core/records/candidate.ts'
import { rejects } from '../core/records/reject.ts'
import { trajectories } from '../core/records/trajectory.ts'
import type { TrajectoryTurn } from '../core/records/trajectory.ts'
import type { StageContext } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import type { Recipe } from './recipe.ts'

/** Named in rejects; raised by every change that alters what is followed or how changes are classified. */
const HISTORY = 'history@3'

/** What the output of `pair` depends on where past states are followed; nothing where they are not. */
export function historyConfig({ mine, pair }: Recipe): Readonly<Record<string, unknown>> {
  if (pair.history === null) return {}
  const enabled = enabledPlugins<Language>(languages, mine.languages)
  return { history: { version: HISTORY, ...pair.history, languages: pluginConfig(enabled) } }
}

/** Past states of the implementations as candidates, the trajectories they form, and those that could not be cut out. */
export async function* historyRows(
  context: StageContext<Recipe, unknown>,
  present: Omit<HistoryRequest, 'mining' | 'options' | 'onProgress'>,
): AsyncGenerator<TableRow> {
  const { recipe, shard, progress, log } = context
  const { history } = recipe.pair
  if (history === null) return
  if (present.repository.past === undefined) {
    progress.warn?.(`the history of ${shard.shard} was not fetched`, 'Set `history: full` at its `git` source.')
    return
  }
  const found = await followHistory({
    ...present,
    mining: miningOptions(context, present.pairing),
    options: history,
    onProgress: progressOf(context),
  })
  for (const candidate of found.candidates) yield rowOf(candidates, candidate)
  const states = [...found.candidates, ...present.present.map(({ candidate }) => candidate)]
  const byId = new Map(states.map((candidate) => [candidate.id, candidate]))
  for (const turn of found.turns) yield rowOf(trajectories, { ...turn, ...scoreOf(turn, byId.get(turn.candidate_id)) })
  for (const { candidateId, commitSha, reason, detail } of found.refusals) {
    const record_id = `${candidateId}@${commitSha}`
    yield rowOf(rejects, { record_id, stage: 'pair', by: HISTORY, reason, detail, source: shard.shard })
  }
  const counts = { candidates: found.candidates.length, turns: found.turns.length, refused: found.refusals.length }
  log.info({ source: shard.shard, ...counts }, 'followed')
}

function miningOptions(
  { recipe, shard }: StageContext<Recipe, unknown>,
  { exclude, include, maxFileBytes, maxFiles, vendored }: HistoryRequest['pairing'],
): MiningOptions {
  const common = { source: shard.shard, include, exclude, maxFileBytes, maxFiles }
  const enabled = enabledPlugins<Language>(languages, recipe.mine.languages)
  return { ...common, ...(vendored === undefined ? {} : { vendored }), languages: enabled }
}

function progressOf({ progress, signal }: StageContext<Recipe, unknown>) {
  return (done: number, total: number): void => {
    signal.throwIfAborted()
    if (done === 0) progress.expect(total)
    else progress.advance()
  }
}

// People's reasons are held to the same as models': what they claim of the code must be there.
function scoreOf(
  { reasoning }: TrajectoryTurn,
  candidate: Candidate | undefined,
): Pick<TrajectoryTurn, 'trace_score' | 'trace_wrong_claims'> {
  if (reasoning === null || candidate === undefined) return { trace_score: null, trace_wrong_claims: null }
  const claims = claimsOf(reasoning.text, { candidate, evaluations: [] })
  const wrong = claims.filter(({ holds }) => !holds)
  return {
    trace_score: claims.length === 0 ? null : 1 - wrong.length / claims.length,
    trace_wrong_claims: wrong.map(({ claim }) => claim).join(','),
  }
}
