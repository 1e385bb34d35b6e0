import { readFile, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../../core/atomic-file.ts'
import { openObjectStore } from '../../core/object-store.ts'
import { progressKey } from '../../core/shard-store.ts'
import { STAGE_NAMES } from '../../core/stage.ts'
import type { StageName } from '../../core/stage.ts'

const JobRecord = z.object({
  submission_id: z.string(),
  address: z.string(),
  store: z.string().nullable().default(null).describe('Where its progress lies; null for beside this record'),
  stage: z.enum(STAGE_NAMES),
  plan_hash: z.string(),
  submitted_at: z.string(),
})
/** A job that was submitted and whose end nobody has seen yet. It lies in the folder of the run: whoever comes next takes it up. */
export type JobRecord = z.infer<typeof JobRecord>

/** The jobs of a run that may still go on. */
export async function openJobs(runDirectory: string): Promise<JobRecord[]> {
  const names = await readdir(join(runDirectory, 'jobs')).catch(() => [])
  const stages = names.filter((name) => /^[a-z]+\.json$/.test(name)).toSorted()
  const records = await Promise.all(stages.map((name) => readJobRecord(join(runDirectory, 'jobs', name))))
  return records.filter((record) => record !== null)
}

/** Files of the job of a stage, in the folder of the run. */
export function jobFiles(runDirectory: string, stage: StageName) {
  const folder = join(runDirectory, 'jobs')
  return {
    record: join(folder, `${stage}.json`),
    config: (submissionId: string) => join(folder, `${submissionId}.config.json`),
    progress: join(folder, `${stage}.progress.json`),
  }
}

export async function readJobRecord(path: string): Promise<JobRecord | null> {
  try {
    return JobRecord.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return null
  }
}

export async function writeJobRecord(path: string, record: JobRecord): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(record, null, 2)}\n`)
}

/** Forgets the job of a stage: it has ended, or nobody waits for it. */
export async function forgetJob(runDirectory: string, stage: StageName): Promise<void> {
  const { record, config, progress } = jobFiles(runDirectory, stage)
  const known = await readJobRecord(record)
  if (known === null) return
  await rm(record, { force: true })
  await rm(config(known.submission_id), { force: true })
  await rm(progress, { force: true })
}

const Progress = z.object({
  shards: z.int(),
  finished: z.int(),
  failed: z.int(),
  retried: z.int(),
  running: z.record(z.string(), z.object({ node: z.string(), done: z.number(), total: z.number() })),
  updated_at: z.string(),
})
/** How far a job is, as its driver last wrote it. */
export type JobProgress = z.infer<typeof Progress>

/** The last word of a job's driver, or null: from the folder of the run, or from the store that its nodes use instead. */
export async function readJobProgress(runDirectory: string, job: JobRecord): Promise<JobProgress | null> {
  const { stage, store } = job
  try {
    const text =
      store === null
        ? await readFile(jobFiles(runDirectory, stage).progress, 'utf8')
        : await (await openObjectStore(store)).read(progressKey(basename(runDirectory), stage))
    return text === null ? null : Progress.parse(JSON.parse(text))
  } catch {
    return null
  }
}
