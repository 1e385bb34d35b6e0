import { clusterNode } from '../pipelines/core/cluster-node.ts'
import { CurateError } from '../pipelines/core/errors.ts'
import type { Evaluation } from '../pipelines/core/records/evaluation.ts'
import type { JudgeSettings } from './protocol.ts'
import { findPython } from './python-environment.ts'
import type { CertifiedRow } from './second-gpu.ts'
import type { EvaluationRequest, JudgingTime, Validator } from './types.ts'
import { WorkerPool } from './worker-pool.ts'

/** The validator's name with version, as rows carry it. The version is raised by every change that decides differently. */
export const VALIDATOR = 'validate@82'

/** What of a recipe decides how candidates are judged. */
export interface ValidatorSettings extends JudgeSettings {
  /** Workloads judged per task, the first ones. */
  readonly max_workloads: number
}

/** How many judges work, and where they keep builds. */
export interface ValidatorOptions {
  readonly workers: number | null
  readonly cacheFolder: string
  readonly signal: AbortSignal
}

/** Opens the validator of this machine. Its judges start when there is something to judge. */
export async function openValidator(settings: ValidatorSettings, options: ValidatorOptions): Promise<Validator> {
  const { python } = await findPython()
  const pool = await WorkerPool.open({ python, ...options, timesNothing: settings.mode === 'screen' })
  return { ...validatorOn(pool, settings), close: () => pool.close() }
}

/** A validator that shares its judges with others, which may have other settings. Who opened the pool closes it. */
export function validatorOn(pool: WorkerPool, settings: ValidatorSettings): Omit<Validator, 'close'> {
  const times: JudgingTime[] = []
  return {
    concurrency: pool.size,
    prepare(requests) {
      pool.prepare(requests.map((request) => questionOf(request, settings)))
    },
    async evaluate(request) {
      const { rows, seconds, selfTimings } = await pool.evaluate(questionOf(request, settings))
      const beside = selfTimings.length > 0 ? { self_timings: selfTimings } : {}
      times.push({ candidate_id: request.candidate.id, seconds, ...beside })
      return toEvaluations(request, rows, settings)
    },
    takeWarnings: () => pool.takeWarnings(),
    takeTimes: () => times.splice(0),
  }
}

/** What a judge is asked about a candidate. */
export function questionOf({ task, candidate }: EvaluationRequest, { max_workloads, ...settings }: ValidatorSettings) {
  const { language, form } = candidate
  const workloads = task.workloads.slice(0, max_workloads)
  return {
    task: { id: task.id, reference: referenceOf(task), workloads },
    candidate: { language, form, ...implementationOf(candidate) },
    settings,
  }
}

// No kernel is megabytes long. What is, gets its verdict for what is left of it, and stops nothing else.
function referenceOf({ reference }: EvaluationRequest['task']): string {
  const length = reference.length
  return length <= MAX_CHARACTERS ? reference : `raise ValueError("the reference has ${length} characters")`
}

type Implementation = Pick<EvaluationRequest['candidate'], 'entry_point' | 'sources'>

function implementationOf({ entry_point, sources }: Implementation): Implementation {
  const length = sources.reduce((sum, { content }) => sum + content.length, 0)
  if (length <= MAX_CHARACTERS) return { entry_point, sources }
  return { entry_point: `in ${length} characters of sources`, sources: [] }
}

const MAX_CHARACTERS = 4_000_000

function toEvaluations(
  { task, candidate }: EvaluationRequest,
  rows: readonly CertifiedRow[],
  { max_workloads }: ValidatorSettings,
): Evaluation[] {
  const asked = task.workloads.slice(0, max_workloads).map(({ id }) => id)
  if (rows.length !== asked.length || rows.some(({ workload_id }, index) => workload_id !== asked[index])) {
    throw new CurateError('worker_lost', `the validator answered for other workloads than those of task ${task.id}`, {
      hint: 'This is a defect in curate: please report it with the log file of the run.',
      retryable: true,
    })
  }
  const node = clusterNode()
  return rows.map(({ environment, certified_on = null, ...row }) => ({
    candidate_id: candidate.id,
    task_id: task.id,
    ...row,
    certified_on,
    environment: node === null ? environment : { ...environment, node },
    validator: VALIDATOR,
  }))
}
