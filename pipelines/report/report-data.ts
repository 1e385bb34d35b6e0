import type { Candidate } from '../core/records/candidate.ts'
import type { Decision } from '../core/records/decision.ts'
import type { Evaluation } from '../core/records/evaluation.ts'
import type { Task } from '../core/records/task.ts'
import { candidateFacts } from '../core/records/candidate-facts.ts'
import type { CandidateFacts } from '../core/records/candidate-facts.ts'
import { candidates } from '../core/records/candidate.ts'
import { decisions, selected } from '../core/records/decision.ts'
import { evaluations } from '../core/records/evaluation.ts'
import { tasks } from '../core/records/task.ts'
import type { WorkDirectory } from '../core/work-directory.ts'
import { qualityMetrics } from './quality-metrics.ts'
import type { QualityMetrics } from './quality-metrics.ts'
import { sampleOf, withSimilarity } from './samples.ts'
import type { SampleWithCode } from './samples.ts'
import { readFunnel } from '../run/funnel.ts'
import type { FunnelStage } from '../run/funnel.ts'
import { readRunTable } from '../run/run-records.ts'

/** What the report's browser of rows shows of one candidate. */
export interface CandidateView {
  readonly id: string
  readonly task_id: string
  readonly task_name: string
  readonly origin: string
  readonly language: string
  readonly license: string | null
  readonly repo_name: string | null
  /** Status of the worst workload, or `NOT_EVALUATED`. */
  readonly status: string
  readonly selected: boolean
  /** Geometric mean over the workloads; null unless all were timed. */
  readonly speedup: number | null
  readonly reasoning_tokens: number | null
  /** First refusal, `filter@version:reason`. */
  readonly refused_by: string | null
  /** Full texts, for as many candidates as `MAX_TEXTS` allows; null for the others. */
  readonly texts: CandidateTexts | null
}

export interface CandidateTexts {
  readonly code: string
  readonly reference: string
  readonly reasoning: string | null
  readonly evaluations: readonly Evaluation[]
  readonly decisions: readonly Decision[]
}

/** Everything the report draws. */
export interface ReportData {
  readonly name: string
  readonly metrics: readonly QualityMetrics[]
  readonly funnel: readonly FunnelStage[]
  readonly candidates: readonly CandidateView[]
}

/** Candidates whose code and reasoning the report carries; the others are listed without. Keeps the file under some 20 MB. */
export const MAX_TEXTS = 2000

/** Reads what a run has recorded into the form the report draws. */
export async function readReportData(name: string, directories: WorkDirectory): Promise<ReportData> {
  const funnel = await readFunnel(directories)
  const taskById = new Map<string, Task>()
  for await (const task of readRunTable(directories, tasks)) taskById.set(task.id, task)
  const verdicts = await groupByCandidate(readRunTable(directories, evaluations))
  const decided = await groupByCandidate(readRunTable(directories, decisions))
  const facts = new Map<string, CandidateFacts>()
  for await (const row of readRunTable(directories, candidateFacts)) facts.set(row.candidate_id, row)
  const kept = new Set<string>()
  for await (const { candidate_id } of readRunTable(directories, selected)) kept.add(candidate_id)
  const views: CandidateView[] = []
  const samples: SampleWithCode[] = []
  for await (const candidate of readRunTable(directories, candidates)) {
    const own = { evaluations: verdicts.get(candidate.id) ?? [], decisions: decided.get(candidate.id) ?? [] }
    const withTexts = views.length < MAX_TEXTS
    const known = facts.get(candidate.id) ?? null
    samples.push(sampleOf(candidate, own.evaluations, known))
    const view = viewOf(candidate, taskById.get(candidate.task_id), own, kept.has(candidate.id), withTexts)
    // What another program judged has facts and no evaluations.
    views.push({ ...view, status: known?.status ?? view.status, speedup: known?.speedup_eager ?? view.speedup })
  }
  return { name, funnel, candidates: views, metrics: qualityMetrics(withSimilarity(samples)) }
}

async function groupByCandidate<Row extends { candidate_id: string }>(
  rows: AsyncIterable<Row>,
): Promise<Map<string, Row[]>> {
  const groups = new Map<string, Row[]>()
  for await (const row of rows) {
    const group = groups.get(row.candidate_id)
    if (group === undefined) groups.set(row.candidate_id, [row])
    else group.push(row)
  }
  return groups
}

function viewOf(
  candidate: Candidate,
  task: Task | undefined,
  own: { evaluations: Evaluation[]; decisions: Decision[] },
  isSelected: boolean,
  withTexts: boolean,
): CandidateView {
  const refusal = own.decisions.find(({ keep }) => !keep)
  return {
    id: candidate.id,
    task_id: candidate.task_id,
    task_name: task?.name ?? '',
    origin: candidate.origin,
    language: candidate.language,
    license: candidate.license,
    repo_name: candidate.repo_name,
    status: worstStatus(own.evaluations),
    selected: isSelected,
    speedup: geometricMeanSpeedup(own.evaluations),
    reasoning_tokens: candidate.reasoning?.num_tokens ?? null,
    refused_by: refusal === undefined ? null : `${refusal.filter}:${refusal.reason ?? ''}`,
    texts: withTexts ? textsOf(candidate, task, own) : null,
  }
}

function textsOf(
  candidate: Candidate,
  task: Task | undefined,
  own: { evaluations: Evaluation[]; decisions: Decision[] },
): CandidateTexts {
  return {
    code: candidate.sources.map(({ path, content }) => `# ${path}\n${content}`).join('\n'),
    reference: task?.reference ?? '',
    reasoning: candidate.reasoning?.text ?? null,
    ...own,
  }
}

function worstStatus(own: readonly Evaluation[]): string {
  return own.find(({ status }) => status !== 'PASSED')?.status ?? (own.length > 0 ? 'PASSED' : 'NOT_EVALUATED')
}

function geometricMeanSpeedup(own: readonly Evaluation[]): number | null {
  const speedups = own.map(({ performance }) => performance?.speedup ?? null)
  if (speedups.length === 0) return null
  let logarithms = 0
  for (const speedup of speedups) {
    if (speedup === null) return null
    logarithms += Math.log(speedup)
  }
  return Math.exp(logarithms / speedups.length)
}
