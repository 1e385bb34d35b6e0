import { resolve } from 'node:path'
import { readFunnel } from '../../run/funnel.ts'
import { selectRuns } from '../../run/run-folders.ts'
import { renderFunnel } from '../reporter/funnel-table.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { formatCount } from '../reporter/units.ts'
import { openJobs, readJobProgress } from '../../engines/ray/job-record.ts'
import type { JobProgress, JobRecord } from '../../engines/ray/job-record.ts'
import { exportedFiles } from './exported-files.ts'
import { lastPublication, renderPublication } from './publication.ts'

/** `curate status`: how far the runs of a work directory are, read from the disk alone. */
export async function showStatus(options: { run?: string; workDir: string }, reporter: Reporter): Promise<number> {
  const runs = await selectRuns(resolve(options.workDir), options.run)
  for (const { name, directories } of runs) {
    const funnel = await readFunnel(directories)
    const files = await exportedFiles(directories)
    const publication = await lastPublication(directories)
    const failures = funnel.flatMap(({ stage, failures }) =>
      failures.map(({ shard, failure }) => `failed ${stage}/${shard}: ${failure.message}\n  next: ${failure.hint}`),
    )
    const jobs = await remoteJobs(directories.root)
    const remote = jobs.flatMap(renderJob)
    const text = [
      `${name} in ${directories.root}`,
      '',
      renderFunnel(funnel),
      '',
      ...remote,
      ...failures,
      ...files,
      ...renderPublication(publication),
    ]
    reporter.result(text.join('\n'), { run: name, directory: directories.root, funnel, jobs, files, publication })
  }
  return 0
}

interface RemoteJob extends JobRecord {
  /** What its driver wrote last; null before it did. */
  readonly progress: JobProgress | null
}

// Jobs on a cluster whose end nobody saw yet: what is on the disk is all that is asked.
async function remoteJobs(runDirectory: string): Promise<RemoteJob[]> {
  const records = await openJobs(runDirectory)
  return Promise.all(
    records.map(async (record) => ({
      ...record,
      progress: await readJobProgress(runDirectory, record),
    })),
  )
}

function renderJob({ stage, submission_id, address, submitted_at, progress }: RemoteJob): string[] {
  const head = `${stage} runs as ${submission_id} at ${address} since ${submitted_at}`
  if (progress === null) return [head, '']
  const { shards, finished, failed, retried, running, updated_at } = progress
  const counts = `${finished} of ${formatCount(shards, 'shard')} finished, ${failed} failed, ${retried} tried again; as of ${updated_at}`
  const lines = Object.entries(running).map(
    ([shard, { node, done, total }]) => `  ${shard} on ${node}: ${done}/${total}`,
  )
  return [head, `  ${counts}`, ...lines, '']
}
