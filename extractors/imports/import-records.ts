import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import { taskId, workloadId } from '../../pipelines/core/records/task.ts'
import type { Task } from '../../pipelines/core/records/task.ts'
import { languages } from '../languages/registry.ts'
import { candidateOfAnswer } from './answer-candidate.ts'
import type { ParsedAnswer } from './answer.ts'
import type { ParsedNativeAnswer } from './native-answer.ts'
import type { MappedRow } from './columns.ts'
import type { DatasetMapping } from './datasets/types.ts'
import { readReference } from './programs.ts'
import type { ProgramForm } from './programs.ts'

/** The file that rows come from, and what the dataset says of all of them. */
export interface ImportScope {
  /** Id of the import in the recipe. */
  readonly source: string
  /** Name of the file, and the SHA-256 of its bytes: where it lay says nothing of its rows, and may name a person. */
  readonly path: string
  readonly fileSha256: string
  /** Null for a file whose columns the recipe itself names. */
  readonly dataset: DatasetMapping | null
  /** How programs are written, where the dataset does not say. */
  readonly program: ProgramForm
}

/** A row or a part of it that nothing can be made of. */
export interface Unusable {
  readonly problem: string
  readonly detail: string
}

/** The task that a row brings. Its place is the row: the file stands for the repository where the row names none. */
export async function importedTask(
  row: MappedRow,
  number: number,
  scope: ImportScope,
): Promise<{ readonly problem: null; readonly task: Task } | Unusable> {
  const read = await readReference(row.reference ?? '', row.reference_class ?? 'Model')
  if (read.problem !== null) return read
  const { dataset } = scope
  const missing = read.python.modules.find((name) => dataset?.unavailable.includes(name) === true)
  if (missing !== undefined) return unavailable(missing)
  const workloads = row.workloads.map((axes) => ({ id: workloadId({ ...axes }), axes: { ...axes } }))
  const content = { reference: read.code, workloads }
  const task: Task = {
    id: taskId(content),
    name: row.task,
    ...content,
    tolerance: null,
    origin: 'imported',
    requires: [...read.python.modules],
    pairing: null,
    source: scope.source,
    repo_name: row.repo_name ?? dataset?.repository ?? scope.source,
    repo_url: row.repo_name === null ? (dataset?.address ?? scope.path) : `https://github.com/${row.repo_name}`,
    commit_sha: row.commit_sha ?? scope.fileSha256,
    path: scope.path,
    start_line: number,
    end_line: number,
    ...licenseOf(row, scope),
  }
  return { problem: null, task }
}

/** The candidate that an answer of a row is. */
export async function importedCandidate(
  task_id: string,
  row: MappedRow,
  answer: Extract<ParsedAnswer | ParsedNativeAnswer, { problem: null }>,
  scope: ImportScope,
): Promise<{ readonly problem: null; readonly candidate: Candidate } | Unusable> {
  const { dataset } = scope
  const python = 'python' in answer ? answer.python : null
  const missing = python?.modules.find((name) => dataset?.unavailable.includes(name) === true)
  if (missing !== undefined) return unavailable(missing)
  if (dataset?.origin === 'compiled' && python?.language === 'torch') {
    return { problem: 'library_calls_only', detail: 'the compiled program calls libraries and holds no kernel' }
  }
  const told = {
    task_id,
    origin: dataset?.origin ?? ('generated' as const),
    generator: row.generator ?? dataset?.generator ?? null,
    source: scope.source,
    repo_name: row.repo_name,
    commit_sha: row.commit_sha,
    license: licenseOf(row, scope).license,
  }
  return { problem: null, candidate: await candidateOfAnswer(answer, told, namedLanguage(row.language)) }
}

function licenseOf(
  row: MappedRow,
  { dataset }: ImportScope,
): { readonly license: string | null; readonly license_evidence: string | null } {
  if (row.license !== null) return { license: row.license, license_evidence: 'row' }
  const license = dataset?.license ?? null
  return { license, license_evidence: license === null ? null : (dataset?.address ?? null) }
}

// Files spell C++ in several ways; what is no language of ours is left to what the code itself shows.
function namedLanguage(language: string | null): string | null {
  const name = (language ?? '')
    .trim()
    .toLowerCase()
    .replace(/^(?:c\+\+|cxx)$/, 'cpp')
  return Object.hasOwn(languages, name) ? name : null
}

function unavailable(module: string): Unusable {
  return { problem: 'module_not_published', detail: `it imports ${module}, which the dataset does not hold` }
}
