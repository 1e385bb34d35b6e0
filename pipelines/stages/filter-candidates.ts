import { basename, resolve } from 'node:path'
import type { Judged } from '../../filters/types.ts'
import { openCandidateJoin } from '../core/candidate-records.ts'
import type { Database } from '../core/duckdb.ts'
import { candidates } from '../core/records/candidate.ts'
import type { Candidate } from '../core/records/candidate.ts'
import { decisions } from '../core/records/decision.ts'
import { evaluations } from '../core/records/evaluation.ts'
import { rejects } from '../core/records/reject.ts'
import type { Reject } from '../core/records/reject.ts'
import { tasks } from '../core/records/task.ts'
import type { StageContext } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import { isTokenizerPath, openTokenizer } from '../core/tokenizer-file.ts'
import type { Recipe } from './recipe.ts'
import { INPUT_SOURCE, readValidated, unreadColumns } from './validated-input.ts'

type Context = StageContext<Recipe, undefined>

/** Raised by every change of the stage that alters its output for the same input. */
export const FILTER_VERSION = 4

/** The name under which the stage itself refuses: records that no filter can be asked about. */
export const FILTER_STAGE = `filter@${FILTER_VERSION}`

/** One record of the input: the rows that it is without any filter, and the candidate that filters are asked about, if it is one. */
export interface ReadCandidate {
  readonly rows: readonly TableRow[]
  readonly judged: Judged | null
}

/** Candidates of the stages before, or of a file of validated ones, which then are tables of this stage; those of a task together. */
export async function* readCandidates(database: Database, context: Context): AsyncGenerator<ReadCandidate> {
  const { input, tokenizer } = context.recipe
  const count = await openRecount(tokenizer, context)
  if (input === null) yield* readRecords(database, count, context)
  else yield* readInput(resolve(context.recipeDirectory, input), count, context)
}

type Recount = (judged: Judged) => Promise<Judged>

// Lengths under different tokenizers cannot be compared: where the recipe names one, it counts them all.
async function openRecount(nameOrPath: string | null, { recipeDirectory }: Context): Promise<Recount> {
  if (nameOrPath === null) return async (judged) => judged
  const counter = await openTokenizer(isTokenizerPath(nameOrPath) ? resolve(recipeDirectory, nameOrPath) : nameOrPath)
  return async (judged) => {
    const { candidate, given } = judged
    if (candidate.reasoning === null) return judged
    const counted = { num_tokens: await counter.count(candidate.reasoning.text), tokenizer: counter.name }
    const stated = given === undefined ? {} : { given: { ...given, reasoning_tokens: null, tokenizer: null } }
    return { ...judged, candidate: { ...candidate, reasoning: { ...candidate.reasoning, ...counted } }, ...stated }
  }
}

async function* readRecords(database: Database, count: Recount, context: Context): AsyncGenerator<ReadCandidate> {
  const joined = await openCandidateJoin(database, {
    candidates: await context.inputFiles(candidates),
    tasks: await context.inputFiles(tasks),
    evaluations: await context.inputFiles(evaluations),
  })
  context.progress.expect(joined.numCandidates)
  for await (const { id, source } of joined.copies()) {
    context.progress.expect(1)
    yield { rows: [rowOf(rejects, rejectOfCopy(id, source))], judged: null }
  }
  for await (const { candidate, task, evaluations } of joined.records()) {
    if (task === null) yield { rows: orphanRows(candidate), judged: null }
    else yield { rows: [], judged: await count({ candidate, task, evaluations }) }
  }
}

async function* readInput(path: string, count: Recount, context: Context): AsyncGenerator<ReadCandidate> {
  const seen = { tasks: new Set<string>(), candidates: new Set<string>(), columns: new Set<string>() }
  let absent: readonly string[] | null = null
  const { input_columns, input_values } = context.recipe
  for await (const read of readValidated(path, input_columns, input_values)) {
    context.signal.throwIfAborted()
    context.progress.expect(1)
    if ('reason' in read) {
      yield { rows: [rowOf(rejects, rejectOfRow(path, read))], judged: null }
      continue
    }
    const judged = await count(read.judged)
    const { candidate, task } = judged
    for (const column of read.unknown) seen.columns.add(column)
    absent = absent === null ? read.absent : absent.filter((column) => read.absent.includes(column))
    if (seen.candidates.has(candidate.id)) {
      yield { rows: [rowOf(rejects, rejectOfCopy(candidate.id, candidate.source))], judged: null }
      continue
    }
    const taskRows = seen.tasks.has(task.id) ? [] : [rowOf(tasks, task)]
    seen.tasks.add(task.id)
    seen.candidates.add(candidate.id)
    yield { rows: [...taskRows, rowOf(candidates, candidate)], judged }
  }
  for (const column of await unreadColumns(path, input_columns)) seen.columns.add(column)
  warnOfColumns(seen.columns, path, context)
  if (absent !== null && absent.length > 0) {
    context.progress.warn?.(
      `no row of ${basename(path)} has the columns that input_columns names: ${absent.join(', ')}`,
      'What they were to hold is null in every row. Look at the names of the file’s columns.',
    )
  }
}

function warnOfColumns(columns: ReadonlySet<string>, path: string, context: Context): void {
  if (columns.size === 0) return
  const names = [...columns].toSorted().join(', ')
  context.progress.warn?.(
    `${basename(path)} has columns that nobody reads: ${names}`,
    'docs/records/validated-candidate.md lists the columns that are read; `input_columns` in the recipe says which of yours mean the same.',
  )
}

// Without its task there is nothing to judge a candidate by: its shard failed, or an import names a task that is gone.
function orphanRows({ id, task_id, source }: Candidate): TableRow[] {
  const refusal = { reason: 'task_missing', detail: `task ${task_id} is in no shard` }
  const verdict = { filter: FILTER_STAGE, keep: false, score: null, threshold: null, parts: [], ...refusal }
  return [
    rowOf(decisions, { candidate_id: id, task_id, ...verdict }),
    rowOf(rejects, { record_id: id, stage: 'filter', by: FILTER_STAGE, source, ...refusal }),
  ]
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
