import { join, resolve } from 'node:path'
import { writeFileAtomic } from '../../core/atomic-file.ts'
import type { WorkDirectory } from '../../core/work-directory.ts'
import { readReportData } from '../../report/report-data.ts'
import { renderReport } from '../../report/render-report.ts'
import { selectRuns } from '../../run/run-folders.ts'
import type { Reporter } from '../reporter/reporter.ts'

/** `curate report`: writes one HTML file per run that shows funnel, speedups, reasons and rows. */
export async function writeReports(options: { run?: string; workDir: string }, reporter: Reporter): Promise<number> {
  for (const { name, directories } of await selectRuns(resolve(options.workDir), options.run)) {
    const path = await writeReport(name, directories)
    reporter.result(path, { run: name, path })
  }
  return 0
}

/** Writes the report of one run and gives its path. */
export async function writeReport(name: string, directories: WorkDirectory): Promise<string> {
  const path = join(directories.root, 'report.html')
  await writeFileAtomic(path, await renderReport(await readReportData(name, directories)))
  return path
}
