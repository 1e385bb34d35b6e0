import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { nearestName } from '../../config/nearest-name.ts'
import { usageError } from '../../core/errors.ts'
import type { CurateError } from '../../core/errors.ts'
import type { Candidate } from '../../core/records/candidate.ts'
import type { Evaluation } from '../../core/records/evaluation.ts'
import type { Kernel } from '../../core/records/kernel.ts'
import type { Task } from '../../core/records/task.ts'
import type { WorkDirectory } from '../../core/work-directory.ts'
import { findRecords, listRecordIds } from '../../run/run-records.ts'
import type { RunRecords } from '../../run/run-records.ts'
import { selectRuns } from '../../run/run-folders.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { renderTable } from '../reporter/text-table.ts'

/** `curate inspect ID`: one record's way through all stages, with its code, reference, reasoning and verdicts. */
export async function inspectRecord(
  id: string,
  options: { run?: string; workDir: string },
  reporter: Reporter,
): Promise<number> {
  if (!/^[0-9a-f]{4,16}$/.test(id)) {
    throw usageError(`${id} is no record id`, 'An id is 16 hexadecimal characters; the first four or more are enough.')
  }
  const runs = await selectRuns(resolve(options.workDir), options.run)
  let found = 0
  for (const { name, directories } of runs) {
    const records = await findRecords(directories, id)
    const count = Object.values(records).reduce((sum, rows) => sum + rows.length, 0)
    if (count === 0) continue
    found += count
    reporter.result(renderRecords(name, records), { run: name, ...records })
  }
  if (found === 0) throw await unknownRecord(id, runs)
  return 0
}

async function unknownRecord(id: string, runs: readonly { directories: WorkDirectory }[]): Promise<CurateError> {
  const ids = await Promise.all(runs.map(({ directories }) => listRecordIds(directories)))
  const prefixes = new Map(ids.flat().map((known) => [known.slice(0, id.length), known]))
  const nearest = prefixes.get(nearestName(id, [...prefixes.keys()]) ?? '')
  const guess = nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`
  return usageError(`no record begins with ${id}`, `Ids stand in the report and in every table of a run.${guess}`)
}

function renderRecords(run: string, records: RunRecords): string {
  const parts = [
    ...records.kernels.map(renderKernel),
    ...records.tasks.map(renderTask),
    ...records.candidates.map((candidate) => renderCandidate(candidate, records)),
    ...records.rejects.map((reject) =>
      section(`rejected by ${reject.by}`, `${reject.record_id}  ${reject.reason}  ${reject.detail ?? ''}`),
    ),
  ]
  return [section('run', run), ...parts].join('\n\n')
}

function renderKernel(kernel: Kernel): string {
  const place = `${kernel.repo_name} ${kernel.commit_sha.slice(0, 12)} ${kernel.path}:${kernel.start_line}-${kernel.end_line}`
  const facts = `${kernel.language} ${kernel.role}, licence ${kernel.license ?? 'unknown'} (${kernel.license_evidence ?? 'no evidence'})`
  return section(`kernel ${kernel.id} ${kernel.entry_point}`, `${place}\n${facts}\n\n${kernel.content}`)
}

function renderTask(task: Task): string {
  const pairing =
    task.pairing === null
      ? 'imported'
      : `${task.pairing.method} at ${task.pairing.path}:${task.pairing.line}, confidence ${task.pairing.confidence}\n${task.pairing.expression}`
  const workloads = task.workloads.map(({ id, axes }) => `${id}  ${JSON.stringify(axes)}`).join('\n')
  return section(`task ${task.id} ${task.name}`, `${pairing}\n\n${workloads}\n\n${task.reference}`)
}

function renderCandidate(candidate: Candidate, records: RunRecords): string {
  const { reasoning } = candidate
  const verdicts = records.evaluations.filter(({ candidate_id }) => candidate_id === candidate.id)
  const decided = records.decisions.filter(({ candidate_id }) => candidate_id === candidate.id)
  const kept = records.selected.some(({ candidate_id }) => candidate_id === candidate.id)
  return [
    section(
      `candidate ${candidate.id} for task ${candidate.task_id}`,
      `${candidate.origin}, ${candidate.language}, ${candidate.form}, licence ${candidate.license ?? 'unknown'}`,
    ),
    reasoning === null
      ? section('reasoning', 'none')
      : section(
          `reasoning (${reasoning.kind}, ${reasoning.num_tokens} tokens of ${reasoning.tokenizer})`,
          reasoning.text,
        ),
    ...candidate.sources.map(({ path, content }) => section(path, content)),
    section('evaluations', renderEvaluations(verdicts)),
    section('decisions', renderDecisions(decided, kept)),
  ].join('\n\n')
}

function renderEvaluations(evaluations: readonly Evaluation[]): string {
  if (evaluations.length === 0) return 'not evaluated'
  const rows = evaluations.map((evaluation) => [
    evaluation.workload_id,
    evaluation.status,
    evaluation.proved_on ?? '',
    evaluation.correctness?.max_absolute_error?.toExponential(2) ?? '',
    evaluation.performance === null ? '' : `${evaluation.performance.speedup.toFixed(2)}x`,
    evaluation.cause === null ? '' : `${evaluation.cause} ${evaluation.log.split('\n')[0] ?? ''}`,
  ])
  return renderTable(['workload', 'status', 'proved on', 'error', 'speedup', 'cause'], rows)
}

function renderDecisions(decisions: RunRecords['decisions'], kept: boolean): string {
  const rows = decisions.map(({ filter, keep, score, threshold, reason }) => [
    filter,
    keep ? 'keep' : 'refuse',
    score === null ? '' : String(score),
    threshold === null ? '' : String(threshold),
    reason ?? '',
  ])
  const table = renderTable(['filter', 'decision', 'score', 'threshold', 'reason'], rows)
  return `${rows.length === 0 ? 'not filtered' : table}\n${kept ? 'selected' : 'not selected'}`
}

function section(title: string, body: string): string {
  return `${styleText('bold', title)}\n${body}`
}
