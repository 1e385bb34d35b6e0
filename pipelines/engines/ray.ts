import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../core/atomic-file.ts'
import { CurateError } from '../core/errors.ts'
import { packageRoot } from '../core/package-root.ts'
import { STAGE_NAMES } from '../core/stage.ts'
import type { StageName } from '../core/stage.ts'
import { local } from './local.ts'
import { openDriverEvents } from './ray/driver-events.ts'
import type { DriverEvents } from './ray/driver-events.ts'
import { jobFiles, readJobRecord, removeJobRecord, writeJobRecord } from './ray/job-record.ts'
import type { JobRecord } from './ray/job-record.ts'
import { openRayJobs, unreachable } from './ray/jobs.ts'
import type { JobInfo, RayJobs } from './ray/jobs.ts'
import { deviceOf, probeCluster } from './ray/probe.ts'
import { newSubmissionId, rayToken, stopJob, submitProgram } from './ray/submission.ts'
import type { Engine, StageJob } from './types.ts'

export const RayOptions = z.strictObject({
  address: z
    .url()
    .default(() => process.env['RAY_API_SERVER_ADDRESS'] ?? 'http://127.0.0.1:8265')
    .describe('Address of the dashboard of the head; RAY_API_SERVER_ADDRESS without'),
  stages: z
    .array(z.enum(STAGE_NAMES))
    .default(['mine', 'pair', 'validate'])
    .describe(
      'Stages whose shards run on the cluster; the others run here: they are one shard, or need keys that stay here',
    ),
  package: z
    .enum(['upload', 'shared'])
    .default('upload')
    .describe(
      '`upload` sends the program, and nodes install what it needs once; `shared` runs it where it lies here, on a shared folder',
    ),
  python: z.string().default('python3').describe('Python of the head that has Ray'),
  cpus: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Cores of one station; null for 1, or half of those that come with its GPU'),
  gpus: z
    .int()
    .min(0)
    .nullable()
    .default(null)
    .describe('GPUs of one station; null for 1 where kernels are judged and the cluster has any'),
  stations: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Stations at a time; null for as many as nodes have room for'),
  retries: z
    .int()
    .min(0)
    .default(3)
    .describe('How often a shard is tried again after its process or its node was lost'),
  shard_timeout_s: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('Seconds after which a shard counts as lost; null for no limit'),
})
export type RayOptions = z.infer<typeof RayOptions>

/** A Ray cluster, through the Jobs interface of its head. Work directory and recipe must lie on a folder that all nodes share. */
export const ray: Engine<RayOptions> = {
  id: 'ray',
  version: 1,
  summary: 'A Ray cluster (see docs/scale-out.md)',
  options: RayOptions,
  async describeDevice({ stages, workDirectory, signal }, options) {
    if (!stages.some((stage) => judges(stage) && options.stages.includes(stage))) return null
    const nodes = await probeCluster(openRayJobs(options.address, rayToken()), options, workDirectory, signal)
    return deviceOf(nodes)
  },
  async run(job, options) {
    if (!options.stages.includes(job.stage)) return local.run(job, {})
    const jobs = openRayJobs(options.address, rayToken())
    const record = (await takeUp(job, jobs, options)) ?? (await submit(job, jobs, options))
    return watch(job, jobs, record)
  },
}

// A job that was left running is taken up again, unless it works on an older plan: then nobody wants what it does.
async function takeUp(job: StageJob, jobs: RayJobs, { address }: RayOptions): Promise<JobRecord | null> {
  const { record: path } = jobFiles(job.runDirectory, job.stage)
  const record = await readJobRecord(path)
  if (record === null) return null
  const info = record.address === address ? await jobs.info(record.submission_id) : null
  const goesOn = info !== null && ['PENDING', 'RUNNING'].includes(info.status)
  if (goesOn && record.plan_hash === job.planHash && !job.isForced) {
    const hint = 'Ctrl-C asks whether to stop it.'
    job.emit({
      type: 'warning',
      message: `the job ${record.submission_id} was left running and is taken up again`,
      hint,
    })
    return record
  }
  if (goesOn) await stopOrSay(jobs, record)
  await removeJobRecord(path)
  return null
}

async function submit(job: StageJob, jobs: RayJobs, options: RayOptions): Promise<JobRecord> {
  const submissionId = newSubmissionId(job.stage)
  const files = jobFiles(job.runDirectory, job.stage)
  const configFile = files.config(submissionId)
  await writeFileAtomic(configFile, `${JSON.stringify(driverConfig(job, options), null, 1)}\n`)
  const record = {
    submission_id: submissionId,
    address: options.address,
    stage: job.stage,
    plan_hash: job.planHash,
    submitted_at: new Date().toISOString(),
  }
  // Before it is submitted: a job that nobody knows of would go on unseen.
  await writeJobRecord(files.record, record)
  const metadata = { stage: job.stage, plan_hash: job.planHash }
  await submitProgram(jobs, options, { submissionId, program: 'driver.py', configFile, metadata })
  return record
}

/** What the driver reads; the names are those of `ray/driver.py`. */
export function driverConfig(job: StageJob, options: RayOptions) {
  return {
    stage: job.stage,
    shards: job.shards,
    arguments: ['--plan', job.planFile, '--engine', 'ray', '--json'],
    package: options.package === 'shared' ? packageRoot : null,
    needs_python: judges(job.stage),
    needs_gpu: judges(job.stage),
    cpus: options.cpus,
    gpus: options.gpus,
    stations: options.stations,
    depth: Math.min(2, job.concurrency),
    retries: options.retries,
    timeout_s: options.shard_timeout_s,
    progress_file: jobFiles(job.runDirectory, job.stage).progress,
  }
}

function judges(stage: StageName): boolean {
  return stage === 'validate' || stage === 'generate'
}

async function watch(job: StageJob, jobs: RayJobs, record: JobRecord): Promise<readonly string[]> {
  const { record: path } = jobFiles(job.runDirectory, job.stage)
  const events = openDriverEvents(job)
  const started = Date.now()
  let info: JobInfo | null = { status: 'PENDING' }
  let silentSince: number | null = null
  for (;;) {
    if (job.signal.aborted) {
      await leaveOrStop(job, jobs, record, path)
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
  await removeJobRecord(path)
  await rm(jobFiles(job.runDirectory, job.stage).config(record.submission_id), { force: true })
  if (info?.status !== 'SUCCEEDED') throw brokenJob(record, info, events)
  return [...events.failed]
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

async function leaveOrStop(job: StageJob, jobs: RayJobs, record: JobRecord, path: string): Promise<void> {
  const question = `The job ${record.submission_id} goes on on the cluster. Stop it, or leave it running?`
  const choice = await job.ask(question, ['stop', 'leave'])
  if (choice === 'stop') {
    await stopOrSay(jobs, record)
    await removeJobRecord(path)
    return
  }
  const message = `the job ${record.submission_id} goes on on the cluster at ${record.address}`
  const hint = 'The same command takes it up again; `curate status` shows how far it is.'
  job.emit({ type: 'warning', message, hint })
}

async function stopOrSay(jobs: RayJobs, { submission_id, address }: JobRecord): Promise<void> {
  if (await stopJob(jobs, submission_id)) return
  throw unreachable(address, `the job ${submission_id} does not stop`)
}

function brokenJob({ submission_id, address }: JobRecord, info: JobInfo | null, events: DriverEvents): CurateError {
  const what = info === null ? 'is no longer known to the cluster' : `ended as ${info.status}`
  const words = events.words() || info?.message || ''
  return new CurateError('ray_job_failed', `the job ${submission_id} at ${address} ${what}: ${words.slice(-1500)}`, {
    hint: 'Finished shards are kept: run the same command again. `curate doctor --engine ray` looks at the cluster.',
    retryable: true,
  })
}
