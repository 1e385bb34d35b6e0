import { basename, resolve } from 'node:path'
import { columnsOfMapping } from '../../../extractors/imports/columns.ts'
import type { RowMapping } from '../../../extractors/imports/columns.ts'
import { datasets } from '../../../extractors/imports/datasets/registry.ts'
import type { DatasetMapping } from '../../../extractors/imports/datasets/types.ts'
import type { ImportScope, Unusable } from '../../../extractors/imports/import-records.ts'
import { importFormats } from '../../../extractors/imports/registry.ts'
import { recordsOfRow, taskOfRow } from '../../../extractors/imports/row-records.ts'
import type { TaskNames } from '../../../extractors/imports/row-records.ts'
import type { ImportFormat, ImportedRow } from '../../../extractors/types.ts'
import { readParquet } from '../../core/parquet.ts'
import { enabledPlugins, pluginConfig, pluginName } from '../../core/plugin.ts'
import type { Enabled, Registry } from '../../core/plugin.ts'
import { candidates } from '../../core/records/candidate.ts'
import type { Candidate } from '../../core/records/candidate.ts'
import { rejects } from '../../core/records/reject.ts'
import { Task, tasks } from '../../core/records/task.ts'
import { trajectories } from '../../core/records/trajectory.ts'
import type { StageContext } from '../../core/stage.ts'
import { rowOf } from '../../core/table.ts'
import type { TableRow } from '../../core/table.ts'
import type { ImportEntry, Recipe } from '../recipe.ts'
import { mappingOfColumns } from './import-columns.ts'
import { openSearch } from './search-paths.ts'
import { GENERATE } from './stage-version.ts'

type Context = StageContext<Recipe, unknown>

/** What the output of an import depends on, besides its file. */
export function importConfig(entry: ImportEntry): unknown {
  const dataset = datasetOf(entry)
  const mapping = dataset === null ? null : pluginName(dataset)
  return { import: entry, format: pluginConfig([formatOf(entry)]), mapping }
}

/** The imports whose tasks the rows of an entry may name: those that bring some, where it brings none itself. */
export function taskImports(entry: ImportEntry, recipe: Recipe): ImportEntry[] {
  if (mappingOf(entry).reference !== null) return []
  return recipe.generate.imports.filter((other) => other !== entry && mappingOf(other).reference !== null)
}

/** Turns the rows of a file into records. */
export async function* runImport(context: Context, entry: ImportEntry): AsyncGenerator<TableRow> {
  const { progress, signal } = context
  const names = await readTaskNames(context, entry)
  const seen = new Set<string>()
  const isNew = ({ id }: { readonly id: string }): boolean => seen.size < seen.add(id).size
  const format = pluginName(formatOf(entry).plugin)
  const mapping = mappingOf(entry)
  const search =
    mapping.attempt_id === null ? null : await openSearch(readRows(context, entry), mapping, scopeOf(context, entry))
  for await (const row of readRows(context, entry)) {
    signal.throwIfAborted()
    progress.expect(1)
    const records = await recordsOfRow(row, mapping, scopeOf(context, entry), names)
    if (records.task !== null && isNew(records.task)) yield rowOf(tasks, records.task)
    for (const candidate of records.candidates) {
      if (isNew(candidate)) yield rowOf(candidates, candidate)
      else if (records.turns.length === 0 && search === null) yield rejectRow(row, entry, DUPLICATE, null)
    }
    for (const turn of [...records.turns, ...(search?.turnsOf(records) ?? [])]) yield rowOf(trajectories, turn)
    for (const refusal of records.refusals) yield rejectRow(row, entry, refusal, 'value' in row ? null : format)
    progress.advance()
  }
}

/** The tasks that the rows of a file bring. */
export async function* tasksOfImport(context: Context, entry: ImportEntry): AsyncGenerator<Task> {
  if (mappingOf(entry).reference === null) return
  for await (const row of readRows(context, entry)) {
    const task = await taskOfRow(row, mappingOf(entry), scopeOf(context, entry))
    if (task !== null) yield task
  }
}

/** The implementations in a file. */
export async function* candidatesOfImport(context: Context, entry: ImportEntry): AsyncGenerator<Candidate> {
  const { code, turns } = mappingOf(entry)
  if (code === null && turns === null) return
  const names = await readTaskNames(context, entry)
  for await (const row of readRows(context, entry)) {
    yield* (await recordsOfRow(row, mappingOf(entry), scopeOf(context, entry), names)).candidates
  }
}

function readRows({ recipeDirectory }: Context, entry: ImportEntry): AsyncIterable<ImportedRow> {
  const { plugin, options } = formatOf(entry)
  return plugin.read(resolve(recipeDirectory, entry.path), options, columnsOfMapping(mappingOf(entry)))
}

function scopeOf({ world }: Context, entry: ImportEntry): ImportScope {
  const { id, path, form } = entry
  const program = form === 'native' ? 'native' : 'module'
  return {
    source: id,
    path: basename(path),
    fileSha256: world.files.get(path) ?? '',
    dataset: datasetOf(entry),
    program,
  }
}

function formatOf(entry: ImportEntry): Enabled<ImportFormat> {
  const registry: Registry<ImportFormat> = importFormats
  const [enabled] = enabledPlugins(registry, entry)
  if (enabled === undefined) throw new TypeError(`the import ${entry.id} names no file format`)
  return enabled
}

function datasetOf({ dataset }: ImportEntry): DatasetMapping | null {
  const known: Registry<DatasetMapping> = datasets
  return dataset === null ? null : (known[dataset] ?? null)
}

// The recipe names columns, a mapping has templates.
function mappingOf(entry: ImportEntry): RowMapping {
  const mapping = wholeMappingOf(entry)
  return entry.tasks_only ? { ...mapping, code: null, turns: null, attempt_id: null } : mapping
}

function wholeMappingOf(entry: ImportEntry): RowMapping {
  return datasetOf(entry)?.columns ?? mappingOfColumns(entry.columns)
}

// Of the tasks only id and name: the references of a large dataset would not fit into memory.
async function readTaskNames(context: Context, entry: ImportEntry): Promise<TaskNames> {
  const names = new Map<string, Set<string>>()
  function add({ id, name }: Pick<Task, 'id' | 'name'>): void {
    names.set(name, (names.get(name) ?? new Set()).add(id))
    names.set(id, new Set([id]))
  }
  if (mappingOf(entry).reference !== null) return names
  for (const file of await context.inputFiles(tasks)) {
    for await (const row of readParquet(file, ['id', 'name'])) add(TASK_NAME.parse(row))
  }
  for (const other of taskImports(entry, context.recipe)) {
    for await (const task of tasksOfImport(context, other)) add(task)
  }
  return names
}

const TASK_NAME = Task.pick({ id: true, name: true })

const DUPLICATE: Unusable = {
  problem: 'duplicate',
  detail: 'an earlier row has the same task, code, reasoning and model',
}

function rejectRow(row: ImportedRow, entry: ImportEntry, refusal: Unusable, format: string | null): TableRow {
  return rowOf(rejects, {
    record_id: `${basename(entry.path)}:${row.row}`,
    stage: 'generate',
    by: format ?? GENERATE,
    reason: refusal.problem,
    detail: refusal.detail.slice(0, MAX_DETAIL),
    source: entry.id,
  })
}

// Room for two bytes a character in the 2 KiB that a reject's detail may have.
const MAX_DETAIL = 1000
