import { writeFileAtomic } from '../../core/atomic-file.ts'
import { packageRoot } from '../../core/package-root.ts'
import type { StageName } from '../../core/stage.ts'
import type { StageJob } from '../types.ts'
import { forgetJob, jobFiles, readJobRecord, writeJobRecord } from './job-record.ts'
import type { JobRecord } from './job-record.ts'
import { unreachable } from './jobs.ts'
import type { RayJobs } from './jobs.ts'
import type { RayOptions } from './options.ts'
import type { SharedStorage } from './storage.ts'
import { newSubmissionId, stopJob, submitProgram } from './submission.ts'

/** A job that was left running is taken up again, unless it works on an older plan: then nobody wants what it does. Null for none. */
export async function takeUp(job: StageJob, jobs: RayJobs, { address }: RayOptions): Promise<JobRecord | null> {
  const { record: path } = jobFiles(job.directories.root, job.stage)
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
  await forgetJob(job.directories.root, job.stage)
  return null
}

/** Brings everything to the nodes and starts the job of a stage. */
export async function submit(
  job: StageJob,
  jobs: RayJobs,
  storage: SharedStorage,
  options: RayOptions,
): Promise<JobRecord> {
  const submissionId = newSubmissionId(job.stage)
  const files = jobFiles(job.directories.root, job.stage)
  await storage.send(job)
  const config = { ...driverConfig(job, options), ...storage.places(job) }
  if (storage.isFolder) await writeFileAtomic(files.config(submissionId), `${JSON.stringify(config, null, 1)}\n`)
  const record = {
    submission_id: submissionId,
    address: options.address,
    store: options.store,
    stage: job.stage,
    plan_hash: job.planHash,
    submitted_at: new Date().toISOString(),
  }
  // Before it is submitted: a job that nobody knows of would go on unseen.
  await writeJobRecord(files.record, record)
  const metadata = { stage: job.stage, plan_hash: job.planHash }
  await submitProgram(jobs, options, {
    submissionId,
    program: 'driver.py',
    config: storage.isFolder ? files.config(submissionId) : config,
    metadata,
  })
  return record
}

/** Stops a job; throws where it does not end. */
export async function stopOrSay(jobs: RayJobs, { submission_id, address }: JobRecord): Promise<void> {
  if (await stopJob(jobs, submission_id)) return
  throw unreachable(address, `the job ${submission_id} does not stop`)
}

/** What the driver reads; the names are those of `ray/driver.py`. */
export function driverConfig(job: StageJob, options: RayOptions) {
  return {
    stage: job.stage,
    shards: job.shards,
    package: options.package === 'shared' ? packageRoot : null,
    needs_python: job.stage !== 'mine',
    needs_gpu: judges(job.stage),
    cpus: options.cpus,
    gpus: options.gpus,
    stations: options.stations,
    // Without a shared folder nobody would see what was built.
    builds_for: options.store === null && judges(job.stage) ? options.builds_for : null,
    depth: Math.min(2, job.concurrency),
    retries: options.retries,
    silence_s: options.silence_s,
    timeout_s: options.shard_timeout_s,
  }
}

/** Whether kernels are judged in a stage. */
export function judges(stage: StageName): boolean {
  return stage === 'validate' || stage === 'generate'
}
