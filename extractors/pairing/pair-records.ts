import { candidateId } from '../../pipelines/core/records/candidate.ts'
import type { Candidate, Reasoning } from '../../pipelines/core/records/candidate.ts'
import type { Provenance } from '../../pipelines/core/records/provenance.ts'
import { taskId, workloadId } from '../../pipelines/core/records/task.ts'
import type { Task } from '../../pipelines/core/records/task.ts'
import { joinLicenses } from '../licenses/license-expression.ts'
import type { LicenseFinder, LicenseFinding } from '../licenses/license-finder.ts'
import type { Repository, SourcePiece } from '../types.ts'
import type { FoundPair } from './repository-pairing.ts'

/** Where the pieces of records come from, and what holds for them. */
export interface RecordScope {
  readonly repository: Pick<Repository, 'name' | 'url' | 'commitSha'>
  /** Id of the source in the recipe. */
  readonly source: string
  readonly licenses: LicenseFinder
  readonly files: ReadonlyMap<string, string>
}

/** The task of a pair. Its place is that of the evidence: the lines of that file that went into the reference. */
export function toTask({ pair, method }: FoundPair, scope: RecordScope): Task {
  const { path, symbol, line, expression, confidence } = pair.evidence
  const reference = {
    reference: pair.reference,
    workloads: pair.workloads.map((axes) => ({ id: workloadId({ ...axes }), axes: { ...axes } })),
  }
  return {
    id: taskId(reference),
    name: pair.name,
    ...reference,
    tolerance: pair.tolerance,
    origin: 'mined',
    requires: [...pair.referenceRequires],
    pairing: { method, path, symbol, line, expression, confidence },
    source: scope.source,
    ...placeOf(pair, scope),
  }
}

/** The candidate of a pair. */
export function toCandidate(
  { pair }: FoundPair,
  task: Task,
  reasoning: Reasoning | null,
  scope: RecordScope,
): Candidate {
  const pieces = pair.candidatePieces.map(({ path, startLine, endLine }) => ({
    path,
    start_line: startLine,
    end_line: endLine,
    license: licenseOf(path, scope).license,
  }))
  const candidate = {
    task_id: task.id,
    origin: 'mined' as const,
    language: pair.language,
    form: 'python' as const,
    entry_point: 'candidate.py::ModelNew',
    sources: [{ path: 'candidate.py', content: pair.candidate }],
    requires: [...pair.candidateRequires],
    kernel_ids: [...pair.kernelIds],
    reasoning,
    generator: null,
    source: scope.source,
    repo_name: scope.repository.name,
    commit_sha: scope.repository.commitSha,
    license: joinLicenses(pieces.map(({ license }) => license)),
    pieces,
  }
  return { id: candidateId(candidate), ...candidate }
}

function placeOf({ evidence, referencePieces }: FoundPair['pair'], scope: RecordScope): Provenance {
  const { repository } = scope
  const here = referencePieces.filter(({ path }) => path === evidence.path)
  return {
    repo_name: repository.name,
    repo_url: repository.url,
    commit_sha: repository.commitSha,
    path: evidence.path,
    start_line: Math.min(evidence.line, ...here.map(({ startLine }) => startLine)),
    end_line: Math.max(evidence.line, ...here.map(({ endLine }) => endLine)),
    ...joinedLicense(referencePieces, scope),
  }
}

function joinedLicense(pieces: readonly SourcePiece[], scope: RecordScope): LicenseFinding {
  const findings = [...new Set(pieces.map(({ path }) => path))].map((path) => licenseOf(path, scope))
  const evidence = [...new Set(findings.flatMap((finding) => finding.license_evidence ?? []))].toSorted((a, b) =>
    a < b ? -1 : 1,
  )
  return {
    license: joinLicenses(findings.map(({ license }) => license)),
    license_evidence: evidence.length === 0 ? null : evidence.join(', '),
  }
}

function licenseOf(path: string, { licenses, files }: RecordScope): LicenseFinding {
  return licenses.find(path, files.get(path) ?? '')
}
