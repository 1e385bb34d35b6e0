import { join } from 'node:path'
import { filters } from '../../filters/registry.ts'
import { openSelection } from '../../filters/selection.ts'
import type { Outcome, Selection } from '../../filters/selection.ts'
import type { Filter } from '../../filters/types.ts'
import { openCandidateJoin } from '../core/candidate-records.ts'
import type { CandidateJoin } from '../core/candidate-records.ts'
import { openDatabase } from '../core/duckdb.ts'
import { enabledPlugins, pluginConfig } from '../core/plugin.ts'
import type { Enabled, Registry } from '../core/plugin.ts'
import { candidates } from '../core/records/candidate.ts'
import type { Candidate } from '../core/records/candidate.ts'
import { decisions, selected } from '../core/records/decision.ts'
import { evaluations } from '../core/records/evaluation.ts'
import { MISSING_SHARD, rejects } from '../core/records/reject.ts'
import type { Reject } from '../core/records/reject.ts'
import { tasks } from '../core/records/task.ts'
import type { ShardKey, Stage, StageContext } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import type { Recipe } from './recipe.ts'
import { candidateShards, missingShards } from './upstream-shards.ts'

/** The name under which the stage itself refuses: records that no filter can be asked about. */
const FILTER_STAGE = 'filter@1'

/**
 * Asks the filters of the recipe about every candidate. Each candidate ends as a row of `selected` or of `rejects`; each
 * verdict is a row of `decisions`.
 */
export const filterStage: Stage<Recipe> = {
  name: 'filter',
  version: 1,
  unit: 'candidates',
  tables: [decisions, selected],
  concurrency: () => 1,
  plan: (recipe, world) => [
    {
      stage: 'filter',
      shard: 'all',
      config: pluginConfig(enabledFilters(recipe)),
      external: null,
      inputs: candidateShards(recipe, world),
    },
  ],
  async *run(context) {
    for (const shard of missingShards(context)) yield rowOf(rejects, rejectOfShard(shard))
    const directory = join(context.cacheDirectory, `filter-${context.recipe.name}`)
    const database = await openDatabase(directory, context.signal)
    try {
      const joined = await openCandidateJoin(database, {
        candidates: await context.inputFiles(candidates),
        tasks: await context.inputFiles(tasks),
        evaluations: await context.inputFiles(evaluations),
      })
      context.progress.expect(joined.numCandidates)
      for await (const copy of joined.copies()) yield rowOf(rejects, rejectOfCopy(copy))
      yield* select(joined, openSelection(enabledFilters(context.recipe)), context)
    } finally {
      await database.close()
    }
  },
}

function enabledFilters(recipe: Recipe): Enabled<Filter>[] {
  const registry: Registry<Filter> = filters
  return enabledPlugins(registry, recipe.filters)
}

async function* select(
  joined: CandidateJoin,
  selection: Selection,
  context: StageContext<Recipe, undefined>,
): AsyncGenerator<TableRow> {
  for await (const { candidate, task, evaluations } of joined.records()) {
    if (task === null) {
      yield* refuseOrphan(candidate)
    } else {
      const offered = await selection.offer({ candidate, task, evaluations })
      for (const decision of offered.decisions) yield rowOf(decisions, decision)
      if (offered.outcome !== null) yield outcomeRow(offered.outcome, selection)
    }
    context.progress.advance()
  }
  const finished = selection.finish()
  for (const decision of finished.decisions) yield rowOf(decisions, decision)
  for (const outcome of finished.outcomes) yield outcomeRow(outcome, selection)
}

// Without its task there is nothing to judge a candidate by: its shard failed, or an import names a task that is gone.
function* refuseOrphan({ id, task_id, source }: Candidate): Generator<TableRow> {
  const refusal = { reason: 'task_missing', detail: `task ${task_id} is in no shard` }
  const verdict = { filter: FILTER_STAGE, keep: false, score: null, threshold: null, ...refusal }
  yield rowOf(decisions, { candidate_id: id, task_id, ...verdict })
  yield rowOf(rejects, { record_id: id, stage: 'filter', by: FILTER_STAGE, source, ...refusal })
}

function outcomeRow({ candidateId, taskId, source, refusal }: Outcome, selection: Selection): TableRow {
  if (refusal === null) {
    return rowOf(selected, {
      candidate_id: candidateId,
      task_id: taskId,
      selected_by: [...selection.filterNames],
    })
  }
  const { filter, reason, detail } = refusal
  return rowOf(rejects, { record_id: candidateId, stage: 'filter', by: filter, reason, detail, source })
}

function rejectOfShard({ stage, shard }: ShardKey): Reject {
  return {
    record_id: `${stage}/${shard}`,
    stage: 'filter',
    by: FILTER_STAGE,
    reason: MISSING_SHARD,
    detail: 'the shard is not there, so nothing of it is in the dataset',
    source: shard,
  }
}

function rejectOfCopy({ id, source }: { id: string; source: string }): Reject {
  return {
    record_id: id,
    stage: 'filter',
    by: FILTER_STAGE,
    reason: 'copy_of_candidate',
    detail: 'the same candidate came from another file too, which counts',
    source,
  }
}
