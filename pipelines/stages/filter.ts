import { rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { filters } from '../../filters/registry.ts'
import type { Outcome } from '../../filters/dataset-verdicts.ts'
import { openSelection } from '../../filters/selection.ts'
import type { Selection } from '../../filters/selection.ts'
import type { Filter } from '../../filters/types.ts'
import { openCandidateJoin } from '../core/candidate-records.ts'
import { openDatabase } from '../core/duckdb.ts'
import type { Database } from '../core/duckdb.ts'
import { enabledPlugins, pluginConfig } from '../core/plugin.ts'
import type { Enabled, Registry } from '../core/plugin.ts'
import { candidateFacts } from '../core/records/candidate-facts.ts'
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
import { INPUT_SOURCE, readValidated } from './validated-input.ts'

type Context = StageContext<Recipe, undefined>

const VERSION = 2

/** The name under which the stage itself refuses: records that no filter can be asked about. */
const FILTER_STAGE = `filter@${VERSION}`

/**
 * Asks the filters of the recipe about every candidate. Each candidate ends as a row of `selected` or of `rejects`; each
 * verdict is a row of `decisions`. Candidates come from the stages before, or from a file of validated ones (`input`), which
 * then become tables of this stage.
 */
export const filterStage: Stage<Recipe> = {
  name: 'filter',
  version: VERSION,
  unit: 'candidates',
  tables: [decisions, selected, candidateFacts, tasks, candidates],
  concurrency: () => 1,
  plan: (recipe, world) => [
    {
      stage: 'filter',
      shard: 'all',
      config: pluginConfig(enabledFilters(recipe)),
      external: recipe.input === null ? null : { input: world.files.get(recipe.input) ?? null },
      inputs: candidateShards(recipe, world),
    },
  ],
  async *run(context) {
    for (const shard of missingShards(context)) yield rowOf(rejects, rejectOfShard(shard))
    const directory = join(context.cacheDirectory, `filter-${context.recipe.name}`)
    const database = await openDatabase(join(directory, 'database'), context.signal)
    try {
      const selection = await openSelection(enabledFilters(context.recipe), database, join(directory, 'facts'))
      const { input } = context.recipe
      if (input === null) yield* offerRecords(database, selection, context)
      else yield* offerInput(resolve(context.recipeDirectory, input), selection, context)
      yield* finish(selection)
    } finally {
      await database.close()
      await rm(directory, { recursive: true, force: true })
    }
  },
}

function enabledFilters(recipe: Recipe): Enabled<Filter>[] {
  const registry: Registry<Filter> = filters
  return enabledPlugins(registry, recipe.filters)
}

async function* offerRecords(database: Database, selection: Selection, context: Context): AsyncGenerator<TableRow> {
  const joined = await openCandidateJoin(database, {
    candidates: await context.inputFiles(candidates),
    tasks: await context.inputFiles(tasks),
    evaluations: await context.inputFiles(evaluations),
  })
  context.progress.expect(joined.numCandidates)
  for await (const { id, source } of joined.copies()) yield rowOf(rejects, rejectOfCopy(id, source))
  for await (const { candidate, task, evaluations } of joined.records()) {
    if (task === null) yield* refuseOrphan(candidate)
    else yield* offer(selection, { candidate, task, evaluations })
    context.progress.advance()
  }
}

async function* offerInput(path: string, selection: Selection, context: Context): AsyncGenerator<TableRow> {
  const seen = { tasks: new Set<string>(), candidates: new Set<string>(), columns: new Set<string>() }
  for await (const read of readValidated(path)) {
    context.signal.throwIfAborted()
    context.progress.expect(1)
    if ('reason' in read) yield rowOf(rejects, rejectOfRow(path, read))
    else {
      const { judged, unknown } = read
      for (const column of unknown) seen.columns.add(column)
      const isNew = !seen.candidates.has(judged.candidate.id)
      if (!isNew) yield rowOf(rejects, rejectOfCopy(judged.candidate.id, judged.candidate.source))
      else {
        if (!seen.tasks.has(judged.task.id)) yield rowOf(tasks, judged.task)
        seen.tasks.add(judged.task.id)
        seen.candidates.add(judged.candidate.id)
        yield rowOf(candidates, judged.candidate)
        yield* offer(selection, judged)
      }
    }
    context.progress.advance()
  }
  if (seen.columns.size === 0) return
  const names = [...seen.columns].toSorted().join(', ')
  context.progress.warn?.(
    `${basename(path)} has columns that nobody reads: ${names}`,
    'docs/records/validated-candidate.md lists the columns that are read; `rename` those that mean the same.',
  )
}

async function* offer(selection: Selection, judged: Parameters<Selection['offer']>[0]): AsyncGenerator<TableRow> {
  for (const decision of await selection.offer(judged)) yield rowOf(decisions, decision)
}

async function* finish(selection: Selection): AsyncGenerator<TableRow> {
  for await (const decision of selection.finish()) yield rowOf(decisions, decision)
  for await (const outcome of selection.outcomes()) yield outcomeRow(outcome, selection)
  for await (const facts of selection.facts()) yield rowOf(candidateFacts, facts)
}

// Without its task there is nothing to judge a candidate by: its shard failed, or an import names a task that is gone.
function* refuseOrphan({ id, task_id, source }: Candidate): Generator<TableRow> {
  const refusal = { reason: 'task_missing', detail: `task ${task_id} is in no shard` }
  const verdict = { filter: FILTER_STAGE, keep: false, score: null, threshold: null, parts: [], ...refusal }
  yield rowOf(decisions, { candidate_id: id, task_id, ...verdict })
  yield rowOf(rejects, { record_id: id, stage: 'filter', by: FILTER_STAGE, source, ...refusal })
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

function rejectOfCopy(id: string, source: string): Reject {
  const detail = 'the same candidate came from another file or row too, which counts'
  return { record_id: id, stage: 'filter', by: FILTER_STAGE, reason: 'copy_of_candidate', detail, source }
}

// Where the file lies is nobody's business.
function rejectOfRow(path: string, { row, reason, detail }: { row: number; reason: string; detail: string }): Reject {
  return {
    record_id: `${basename(path)}:${row}`,
    stage: 'filter',
    by: FILTER_STAGE,
    reason,
    detail: detail.replaceAll(path, basename(path)).slice(0, 1000),
    source: INPUT_SOURCE,
  }
}
