import { resolve } from 'node:path'
import { ENTRY_POINT, parseAnswer } from '../../extractors/imports/answer.ts'
import type { ParsedAnswer } from '../../extractors/imports/answer.ts'
import { columnsOfMapping, mapColumns } from '../../extractors/imports/columns.ts'
import { importFormats } from '../../extractors/imports/registry.ts'
import { languages } from '../../extractors/languages/registry.ts'
import type { ImportFormat, ImportedOutput, ImportedRow } from '../../extractors/types.ts'
import { CurateError } from '../core/errors.ts'
import { readParquet } from '../core/parquet.ts'
import { enabledPlugins, pluginConfig, pluginName } from '../core/plugin.ts'
import type { Enabled, Registry } from '../core/plugin.ts'
import { candidateId, candidates } from '../core/records/candidate.ts'
import type { Candidate, Reasoning } from '../core/records/candidate.ts'
import { rejects } from '../core/records/reject.ts'
import { Task, tasks } from '../core/records/task.ts'
import { withoutSecrets } from '../core/secrets.ts'
import type { ShardKey, ShardSpec, Stage, StageContext, World } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import { DEFAULT_TOKENIZER, countTokens } from '../core/tokenizer.ts'
import type { ImportEntry, Recipe } from './recipe.ts'

const VERSION = 1

/** Turns files of model outputs into candidates for the tasks that were paired: one shard per import. */
export const generateStage: Stage<Recipe> = {
  name: 'generate',
  version: VERSION,
  unit: 'outputs',
  tables: [candidates],
  concurrency: () => 1,
  plan: planImports,
  run: runImport,
}

/** The files on this machine that a recipe reads, as it spells them: their hashes are part of the plan. */
export function filesOfRecipe(recipe: Recipe): string[] {
  return [...new Set(recipe.generate.imports.map(({ path }) => path))]
}

function planImports(recipe: Recipe, world: World): ShardSpec[] {
  const resolved = recipe.sources.filter(({ id }) => typeof world.sources.get(id) === 'string')
  const inputs = resolved.map(({ id }): ShardKey => ({ stage: 'pair', shard: id }))
  return recipe.generate.imports.map((entry) => ({
    stage: 'generate',
    shard: entry.id,
    config: { import: entry, format: pluginConfig([formatOf(entry)]), tokenizer: DEFAULT_TOKENIZER },
    external: { file: world.files.get(entry.path) ?? null },
    inputs,
  }))
}

async function* runImport(context: StageContext<Recipe, undefined>): AsyncGenerator<TableRow> {
  const { recipe, shard, recipeDirectory, progress, signal } = context
  const entry = recipe.generate.imports.find(({ id }) => id === shard.shard)
  if (entry === undefined) throw unknownImport(shard.shard)
  const names = await readTaskNames(await context.inputFiles(tasks))
  const seen = new Set<string>()
  const { plugin, options } = formatOf(entry)
  const path = resolve(recipeDirectory, entry.path)
  for await (const row of plugin.read(path, options, columnsOfMapping(entry.columns))) {
    signal.throwIfAborted()
    progress.expect(1)
    const outcome = await readOutput(row, entry, names)
    if (outcome.candidate === null) yield rejectRow(row, entry, outcome, 'value' in row ? null : pluginName(plugin))
    else if (seen.has(outcome.candidate.id)) yield rejectRow(row, entry, DUPLICATE, null)
    else yield rowOf(candidates, outcome.candidate)
    if (outcome.candidate !== null) seen.add(outcome.candidate.id)
    progress.advance()
  }
}

function formatOf(entry: ImportEntry): Enabled<ImportFormat> {
  const registry: Registry<ImportFormat> = importFormats
  const [enabled] = enabledPlugins(registry, entry)
  if (enabled === undefined) throw new TypeError(`the import ${entry.id} names no file format`)
  return enabled
}

/** Task name to ids, and each id to itself: a file may name tasks either way. */
type TaskNames = ReadonlyMap<string, ReadonlySet<string>>

// Of the tasks only id and name: the references of a large dataset would not fit into memory.
async function readTaskNames(files: readonly string[]): Promise<TaskNames> {
  const names = new Map<string, Set<string>>()
  for (const file of files) {
    for await (const row of readParquet(file, ['id', 'name'])) {
      const { id, name } = TASK_NAME.parse(row)
      names.set(name, (names.get(name) ?? new Set()).add(id))
      names.set(id, new Set([id]))
    }
  }
  return names
}

const TASK_NAME = Task.pick({ id: true, name: true })

interface Refusal {
  readonly candidate: null
  readonly reason: string
  readonly detail: string
}
type Outcome = { readonly candidate: Candidate } | Refusal

const DUPLICATE: Refusal = {
  candidate: null,
  reason: 'duplicate',
  detail: 'an earlier row has the same task, code, reasoning and model',
}

async function readOutput(row: ImportedRow, entry: ImportEntry, names: TaskNames): Promise<Outcome> {
  if (!('value' in row)) return refuse(row.reason, row.detail)
  const mapped = mapColumns(row.value, entry.columns)
  if (mapped.output === null) return refuse(mapped.reason, mapped.detail)
  const { output } = mapped
  const ids = [...(names.get(output.task) ?? [])]
  const [taskId] = ids
  if (taskId === undefined) return refuse('unknown_task', `no task has the id or the name ${output.task}`)
  if (ids.length > 1) {
    const detail = `${ids.length} tasks are called ${output.task}: ${ids.toSorted().join(', ')}; give an id`
    return refuse('ambiguous_task_name', detail)
  }
  const answer = await parseAnswer(output.code, output.reasoning)
  if (answer.problem !== null) return refuse(answer.problem, answer.detail)
  return { candidate: await candidateOf(taskId, output, answer, entry) }
}

async function candidateOf(
  task_id: string,
  output: ImportedOutput,
  { reasoning, code, python }: Extract<ParsedAnswer, { problem: null }>,
  entry: ImportEntry,
): Promise<Candidate> {
  const candidate = {
    task_id,
    origin: 'generated' as const,
    language: namedLanguage(output.language) ?? python.language,
    form: 'python' as const,
    entry_point: `${FILE}::${ENTRY_POINT}`,
    sources: [{ path: FILE, content: code }],
    requires: [...python.modules],
    kernel_ids: [],
    reasoning: reasoning === null ? null : await measure(reasoning),
    generator: output.generator,
    source: entry.id,
    repo_name: null,
    commit_sha: null,
    license: null,
    pieces: [],
  }
  return { id: candidateId(candidate), ...candidate }
}

const FILE = 'candidate.py'

async function measure(reasoning: string): Promise<Reasoning> {
  const text = withoutSecrets(reasoning)
  return { text, kind: 'model', num_tokens: await countTokens(text), tokenizer: DEFAULT_TOKENIZER }
}

// Files spell C++ in several ways; what is no language of ours is left to what the code itself shows.
function namedLanguage(language: string | null): string | null {
  const name = (language ?? '')
    .trim()
    .toLowerCase()
    .replace(/^(?:c\+\+|cxx)$/, 'cpp')
  return Object.hasOwn(languages, name) ? name : null
}

function refuse(reason: string, detail: string): Refusal {
  return { candidate: null, reason, detail }
}

function rejectRow(row: ImportedRow, entry: ImportEntry, refusal: Refusal, format: string | null): TableRow {
  return rowOf(rejects, {
    record_id: `${entry.path}:${row.row}`,
    stage: 'generate',
    by: format ?? `generate@${VERSION}`,
    reason: refusal.reason,
    detail: refusal.detail.slice(0, MAX_DETAIL),
    source: entry.id,
  })
}

// Room for two bytes a character in the 2 KiB that a reject's detail may have.
const MAX_DETAIL = 1000

function unknownImport(id: string): CurateError {
  return new CurateError('unknown_import', `the recipe has no import ${id}`, {
    hint: 'Run the plan again: the recipe changed while it ran.',
  })
}
