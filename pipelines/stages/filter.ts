import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { filters } from '../../filters/registry.ts'
import type { Outcome } from '../../filters/dataset-verdicts.ts'
import { openSelection } from '../../filters/selection.ts'
import type { Selection } from '../../filters/selection.ts'
import type { Filter, Judged } from '../../filters/types.ts'
import { TRACER } from '../../validators/graph-tracer.ts'
import { openDatabase } from '../core/duckdb.ts'
import { enabledPlugins, pluginConfig } from '../core/plugin.ts'
import type { Enabled, Registry } from '../core/plugin.ts'
import { candidateFacts } from '../core/records/candidate-facts.ts'
import { candidates } from '../core/records/candidate.ts'
import { decisions, selected } from '../core/records/decision.ts'
import { MISSING_SHARD, rejects } from '../core/records/reject.ts'
import type { Reject } from '../core/records/reject.ts'
import { tasks } from '../core/records/task.ts'
import type { ShardKey, Stage, World } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import { FILTER_STAGE, FILTER_VERSION, readCandidates } from './filter-candidates.ts'
import type { Recipe } from './recipe.ts'
import { openReferenceGraphs, tracesGraphs } from './reference-graphs.ts'
import { candidateShards, missingShards } from './upstream-shards.ts'

/**
 * Asks the filters of the recipe about every candidate. Each candidate ends as a row of `selected` or of `rejects`; each
 * verdict is a row of `decisions`. Candidates come from the stages before, or from a file of validated ones (`input`), which
 * then become tables of this stage.
 */
export const filterStage: Stage<Recipe> = {
  name: 'filter',
  version: FILTER_VERSION,
  unit: 'candidates',
  tables: [decisions, selected, candidateFacts, tasks, candidates],
  concurrency: () => 1,
  plan: (recipe, world) => [
    {
      stage: 'filter',
      shard: 'all',
      config: pluginConfig(enabledFilters(recipe)),
      external: externalOf(recipe, world),
      inputs: candidateShards(recipe, world),
    },
  ],
  async *run(context) {
    for (const shard of missingShards(context)) yield rowOf(rejects, rejectOfShard(shard))
    const directory = join(context.cacheDirectory, `filter-${context.recipe.name}`)
    const database = await openDatabase(join(directory, 'database'), context.signal)
    const graphs = await openReferenceGraphs(context).catch(async (error: unknown) => {
      await database.close()
      throw error
    })
    try {
      const selection = await openSelection(enabledFilters(context.recipe), database, join(directory, 'facts'))
      for await (const { rows, judged } of graphs.addTo(readCandidates(database, context))) {
        yield* rows
        if (judged !== null) yield* offer(selection, judged)
        context.progress.advance()
      }
      graphs.report()
      yield* finish(selection)
    } finally {
      await graphs.close()
      await database.close()
      await rm(directory, { recursive: true, force: true })
    }
  },
}

function enabledFilters(recipe: Recipe): Enabled<Filter>[] {
  const registry: Registry<Filter> = filters
  return enabledPlugins(registry, recipe.filters)
}

// Graphs are those of one tracer on one PyTorch, which the name of the device holds.
function externalOf(recipe: Recipe, world: World): unknown {
  const { input, input_columns, input_values, tokenizer } = recipe
  const facts = {
    ...(input === null ? {} : { input: world.files.get(input) ?? null, input_columns, input_values }),
    ...(tokenizer === null ? {} : { tokenizer: world.files.get(tokenizer) ?? tokenizer }),
    ...(tracesGraphs(recipe) ? { tracer: TRACER, device: world.device } : {}),
  }
  return Object.keys(facts).length === 0 ? null : facts
}

async function* offer(selection: Selection, judged: Judged): AsyncGenerator<TableRow> {
  for (const decision of await selection.offer(judged)) yield rowOf(decisions, decision)
}

async function* finish(selection: Selection): AsyncGenerator<TableRow> {
  for await (const decision of selection.finish()) yield rowOf(decisions, decision)
  for await (const outcome of selection.outcomes()) yield outcomeRow(outcome, selection)
  for await (const facts of selection.facts()) yield rowOf(candidateFacts, facts)
}

// Names of filters with what of their rules holds: a filter before its parts.
function outcomeRow({ candidateId, taskId, source, refusal, parts }: Outcome, selection: Selection): TableRow {
  if (refusal === null) {
    const selected_by = selection.filterNames.flatMap((name) => [
      name,
      ...parts.filter((part) => part.startsWith(`${name}:`)),
    ])
    return rowOf(selected, { candidate_id: candidateId, task_id: taskId, selected_by })
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
