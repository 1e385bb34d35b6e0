import { basename, extname } from 'node:path'
import { importFormats } from '../../extractors/imports/registry.ts'
import { isObject, lookUp } from '../../extractors/imports/templates.ts'
import type { ImportedRow } from '../../extractors/types.ts'
import { UNKNOWN_LANGUAGE } from '../../filters/facts/facts.ts'
import type { Judged } from '../../filters/types.ts'
import { CurateError, usageError } from '../core/errors.ts'
import { recordId } from '../core/hash.ts'
import { describeParquet } from '../core/parquet.ts'
import { GivenFacts } from '../core/records/candidate-facts.ts'
import { candidateId } from '../core/records/candidate.ts'
import type { Candidate, Reasoning } from '../core/records/candidate.ts'
import { taskId, workloadId } from '../core/records/task.ts'
import type { Task } from '../core/records/task.ts'
import { ValidatedCandidate, validatedCandidates } from '../core/records/validated-candidate.ts'
import { DEFAULT_TOKENIZER, countTokens } from '../core/tokenizer.ts'
import type { InputColumns, InputValues } from './input-options.ts'

/** A row of the file, or why nothing can be made of it. */
export type ValidatedRow =
  | {
      readonly row: number
      readonly judged: Judged
      /** Columns that nobody reads, and those that `input_columns` names and the row has not. */
      readonly unknown: readonly string[]
      readonly absent: readonly string[]
    }
  | { readonly row: number; readonly reason: string; readonly detail: string }

/** The id that candidates of the file have as their source, unless the file names one. */
export const INPUT_SOURCE = 'input'

/** How the file differs from its documentation: pairs of a documented column with the file's, and with a value for what it lacks. */
interface InputMapping {
  readonly columns: readonly (readonly [string, string])[]
  readonly values: readonly (readonly [string, unknown])[]
}

/** Reads candidates that another program validated. Rows that cannot be read come back with the reason. */
export async function* readValidated(
  path: string,
  columns: InputColumns = {},
  values: InputValues = {},
): AsyncGenerator<ValidatedRow> {
  const mapping = { columns: statedOf(columns), values: statedOf(values) }
  const wanted = [...KNOWN, ...mapping.columns.flatMap(([, name]) => [name, topOf(name)])]
  try {
    for await (const read of openFormat(path, wanted)) {
      yield 'reason' in read ? read : await judgedOf(read.row, read.value, { path, mapping })
    }
  } catch (error) {
    if (!(error instanceof CurateError) || error.code !== 'missing_column') throw error
    const said = error.hint.split('; ').at(-1)
    throw new CurateError(error.code, error.message, {
      hint: `docs/records/validated-candidate.md lists the columns; say in \`input_columns\` of the recipe which of yours is which: ${said}`,
      cause: error,
    })
  }
}

/** Columns of a file of validated candidates that nobody reads, as far as its footer tells; rows of other formats tell themselves. */
export async function unreadColumns(path: string, columns: InputColumns): Promise<string[]> {
  if (extname(path).toLowerCase() !== '.parquet') return []
  const read = new Set([...KNOWN, ...statedOf(columns).map(([, name]) => topOf(name))])
  return (await describeParquet(path)).columns.filter((name) => !read.has(name))
}

function statedOf<Value>(record: Readonly<Record<string, Value | undefined>>): [string, Value][] {
  return Object.entries(record).flatMap(([name, value]): [string, Value][] =>
    value === undefined ? [] : [[name, value]],
  )
}

function topOf(name: string): string {
  return name.split('.')[0] ?? name
}

function openFormat(path: string, wanted: readonly string[]): AsyncIterable<ImportedRow> {
  const { jsonl, json, parquet, arrow } = importFormats
  const ending = extname(path.replace(/\.gz$/, '')).toLowerCase()
  if (ending === '.parquet') return parquet.read(path, parquet.options.parse({}), wanted)
  if (ending === '.arrow') return arrow.read(path, arrow.options.parse({}), wanted)
  if (ending === '.json') return json.read(path, json.options.parse({}), wanted)
  if (['.jsonl', '.ndjson'].includes(ending)) return jsonl.read(path, jsonl.options.parse({}), wanted)
  throw usageError(
    `--input ${basename(path)}: files ending in ${ending || 'nothing'} are not read`,
    'Give a file ending in .parquet, .jsonl, .jsonl.gz, .json or .arrow.',
  )
}

async function judgedOf(
  row: number,
  value: unknown,
  { path, mapping }: { path: string; mapping: InputMapping },
): Promise<ValidatedRow> {
  if (!isObject(value)) return { row, reason: 'no_object', detail: `row ${row} holds no columns` }
  const stated = Object.entries(named(value, mapping)).filter(([, item]) => item !== null && item !== undefined)
  const parsed = ValidatedCandidate.safeParse(
    Object.fromEntries(stated.map(([name, item]) => [name, plain(name, item)])),
  )
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return { row, reason: 'bad_value', detail: `row ${row}, column ${issue?.path.join('.')}: ${issue?.message}` }
  }
  const task = taskOf(parsed.data, row, path)
  if (task === null) return { row, reason: 'no_task', detail: `row ${row} has no task_id, reference or task_name` }
  const candidate = await candidateOf(parsed.data, task)
  const given = GivenFacts.parse(parsed.data)
  const names = mapping.columns.map(([, column]) => column)
  const read = new Set(names.map(topOf))
  const unknown = Object.keys(value).filter((name) => !KNOWN.has(name) && !read.has(name) && value[name] !== null)
  const absent = names.filter((name) => lookUp(value, name) === undefined)
  return { row, judged: { candidate, task, evaluations: [], given }, unknown, absent }
}

// A column that goes by another name is read under that one alone.
function named(row: Record<string, unknown>, { columns, values }: InputMapping): Record<string, unknown> {
  const found: Record<string, unknown> = { ...row }
  for (const [name, column] of columns) found[name] = lookUp(row, column)
  const absent = values.filter(([name]) => found[name] === null || found[name] === undefined)
  return { ...found, ...Object.fromEntries(absent) }
}

const KNOWN = new Set(validatedCandidates.columns.map(({ name }) => name))
const LISTS = new Set(['sources', 'requires'])

// Files spell whole numbers as 64 bits, lists as JSON where they know no lists, and verdicts as truth values.
function plain(name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (name === 'status' && typeof value === 'boolean') return value ? 'PASSED' : 'INCORRECT_NUMERICAL'
  if (!LISTS.has(name) || typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function taskOf(row: ValidatedCandidate, number: number, path: string): Task | null {
  const { task_id, task_name, reference } = row
  const content = { reference: reference ?? '', workloads: [{ id: workloadId({}), axes: {} }] }
  const id = task_id ?? (reference === undefined ? null : taskId(content)) ?? (task_name && recordId('task', task_name))
  if (id === null || id === undefined || id === '') return null
  return {
    id,
    name: task_name ?? id,
    ...content,
    tolerance: null,
    origin: 'imported',
    requires: [],
    pairing: null,
    source: row.source ?? INPUT_SOURCE,
    repo_name: row.reference_repo_name ?? basename(path),
    repo_url: basename(path),
    commit_sha: row.reference_commit_sha ?? '',
    path: row.reference_path ?? basename(path),
    start_line: number,
    end_line: number,
    license: row.reference_license ?? null,
    license_evidence: row.reference_license === undefined ? null : 'row',
  }
}

async function candidateOf(row: ValidatedCandidate, task: Task): Promise<Candidate> {
  const file = row.entry_point?.split('::')[0] ?? 'candidate.py'
  const sources = row.sources ?? (row.code === undefined ? [] : [{ path: file, content: row.code }])
  const content = { task_id: task.id, sources, reasoning: await reasoningOf(row), generator: row.generator ?? null }
  return {
    ...content,
    id: row.candidate_id ?? candidateId(content),
    origin: row.origin ?? 'imported',
    language: row.language ?? UNKNOWN_LANGUAGE,
    form: row.form ?? 'python',
    entry_point: row.entry_point ?? `${file}::ModelNew`,
    requires: row.requires ?? [],
    kernel_ids: [],
    source: row.source ?? INPUT_SOURCE,
    repo_name: row.repo_name ?? null,
    commit_sha: row.commit_sha ?? null,
    license: row.license ?? null,
    pieces: [],
  }
}

async function reasoningOf(row: ValidatedCandidate): Promise<Reasoning | null> {
  const { reasoning: text, reasoning_tokens, tokenizer, reasoning_kind } = row
  if (text === undefined) return null
  const kind = reasoning_kind === 'human' || reasoning_kind === 'evidence' ? reasoning_kind : 'model'
  if (reasoning_tokens !== undefined && reasoning_tokens !== null) {
    return { text, kind, num_tokens: reasoning_tokens, tokenizer: tokenizer ?? 'unnamed' }
  }
  return { text, kind, num_tokens: await countTokens(text), tokenizer: DEFAULT_TOKENIZER }
}
