import { resolve } from 'node:path'
import { readFunnel } from '../../run/funnel.ts'
import { selectRuns } from '../../run/run-folders.ts'
import { renderFunnel } from '../reporter/funnel-table.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { exportedFiles } from './exported-files.ts'

/** `curate status`: how far the runs of a work directory are, read from the disk alone. */
export async function showStatus(options: { run?: string; workDir: string }, reporter: Reporter): Promise<number> {
  const runs = await selectRuns(resolve(options.workDir), options.run)
  for (const { name, directories } of runs) {
    const funnel = await readFunnel(directories)
    const files = await exportedFiles(directories)
    const failures = funnel.flatMap(({ stage, failures }) =>
      failures.map(({ shard, failure }) => `failed ${stage}/${shard}: ${failure.message}\n  next: ${failure.hint}`),
    )
    const text = [`${name} in ${directories.root}`, '', renderFunnel(funnel), '', ...failures, ...files]
    reporter.result(text.join('\n'), { run: name, directory: directories.root, funnel, files })
  }
  return 0
}
