import { setTimeout as sleep } from 'node:timers/promises'
import { CurateError } from '../../core/errors.ts'
import type { StageJob } from '../types.ts'
import { openDriverEvents } from './driver-events.ts'
import type { DriverEvents } from './driver-events.ts'
import { stopOrSay } from './job.ts'
import { forgetJob } from './job-record.ts'
import type { JobRecord } from './job-record.ts'
import type { JobInfo, RayJobs } from './jobs.ts'
import type { SharedStorage } from './storage.ts'

/** Follows a job to its end, or until the run is interrupted; gives the shards that failed. */
export async function watch(
  job: StageJob,
  jobs: RayJobs,
  storage: SharedStorage,
  record: JobRecord,
): Promise<readonly string[]> {
  const events = openDriverEvents(job, (shard) => storage.fetch({ stage: job.stage, shard }))
  const started = Date.now()
  let info: JobInfo | null = { status: 'PENDING' }
  let silentSince: number | null = null
  for (;;) {
    if (job.signal.aborted) {
      await leaveOrStop(job, jobs, record)
      return []
    }
    try {
      info = await jobs.info(record.submission_id)
      if (info !== null && info.status !== 'PENDING') await events.take(await jobs.logs(record.submission_id))
      silentSince = null
    } catch (error) {
      silentSince ??= Date.now()
      if (!isPassing(error) || Date.now() - silentSince > PATIENCE_MS) throw error
    }
    if (info === null || ['STOPPED', 'SUCCEEDED', 'FAILED'].includes(info.status)) break
    await sleep(pause(Date.now() - started), undefined, { signal: job.signal }).catch(() => undefined)
  }
  await forgetJob(job.directories.root, job.stage)
  if (info?.status !== 'SUCCEEDED') throw brokenJob(record, info, events)
  return [...events.failed, ...untold(job, events)]
}

// A job that was taken up again was begun with other shards, where some became due since.
function untold({ stage, shards, emit }: StageJob, { ended }: DriverEvents): string[] {
  const left = shards.filter((shard) => !ended.has(shard))
  for (const shard of left) {
    const hint = 'Run the same command again.'
    const error = new CurateError('shard_lost', 'the job ended without a word of it', { hint, retryable: true })
    emit({ type: 'shard_failed', stage, shard, error })
  }
  return left
}

// The log comes whole each time: it is asked for less and less often.
function pause(elapsedMs: number): number {
  return Math.min(60_000, Math.max(500, elapsedMs / 200))
}

// A head that is restarted, or a network that is gone for a moment.
const PATIENCE_MS = 120_000

function isPassing(error: unknown): boolean {
  return error instanceof CurateError && error.retryable
}

async function leaveOrStop(job: StageJob, jobs: RayJobs, record: JobRecord): Promise<void> {
  const question = `The job ${record.submission_id} goes on on the cluster. Stop it, or leave it running?`
  const choice = await job.ask(question, ['stop', 'leave'])
  if (choice === 'stop') {
    await stopOrSay(jobs, record)
    await forgetJob(job.directories.root, job.stage)
    return
  }
  const message = `the job ${record.submission_id} goes on on the cluster at ${record.address}`
  const hint = 'The same command takes it up again; `curate status` shows how far it is.'
  job.emit({ type: 'warning', message, hint })
}

function brokenJob({ submission_id, address }: JobRecord, info: JobInfo | null, events: DriverEvents): CurateError {
  const what = info === null ? 'is no longer known to the cluster' : `ended as ${info.status}`
  const words = events.words() || info?.message || ''
  return new CurateError('ray_job_failed', `the job ${submission_id} at ${address} ${what}: ${words.slice(-1500)}`, {
    hint: 'Finished shards are kept: run the same command again. `curate doctor --engine ray` looks at the cluster.',
    retryable: true,
  })
}
