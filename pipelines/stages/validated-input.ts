import { basename, extname } from 'node:path'
import { importFormats } from '../../extractors/imports/registry.ts'
import type { ImportedRow } from '../../extractors/types.ts'
import { UNKNOWN_LANGUAGE } from '../../filters/facts/facts.ts'
import type { Judged } from '../../filters/types.ts'
import { usageError } from '../core/errors.ts'
import { recordId } from '../core/hash.ts'
import { GivenFacts } from '../core/records/candidate-facts.ts'
import { candidateId } from '../core/records/candidate.ts'
import type { Candidate, Reasoning } from '../core/records/candidate.ts'
import { taskId, workloadId } from '../core/records/task.ts'
import type { Task } from '../core/records/task.ts'
import { ValidatedCandidate, validatedCandidates } from '../core/records/validated-candidate.ts'
import { DEFAULT_TOKENIZER, countTokens } from '../core/tokenizer.ts'

/** A row of the file, or why nothing can be made of it. */
export type ValidatedRow =
  | { readonly row: number; readonly judged: Judged; readonly unknown: readonly string[] }
  | { readonly row: number; readonly reason: string; readonly detail: string }

/** The id that candidates of the file have as their source, unless the file names one. */
export const INPUT_SOURCE = 'input'

/** Reads candidates that another program validated. Rows that cannot be read come back with the reason. */
export async function* readValidated(path: string): AsyncGenerator<ValidatedRow> {
  for await (const read of openFormat(path)) yield 'reason' in read ? read : await judgedOf(read.row, read.value, path)
}

function openFormat(path: string): AsyncIterable<ImportedRow> {
  const wanted = validatedCandidates.columns.map(({ name }) => name)
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

async function judgedOf(row: number, value: unknown, path: string): Promise<ValidatedRow> {
  if (typeof value !== 'object' || value === null)
    return { row, reason: 'no_object', detail: `row ${row} holds no columns` }
  const stated = Object.entries(value).filter(([, item]) => item !== null && item !== undefined)
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
  const unknown = stated.map(([name]) => name).filter((name) => !KNOWN.has(name))
  return { row, judged: { candidate, task, evaluations: [], given }, unknown }
}

const KNOWN = new Set(validatedCandidates.columns.map(({ name }) => name))
const LISTS = new Set(['sources', 'requires'])

// Files spell whole numbers as 64 bits, and lists as JSON where they know no lists.
function plain(name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
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
