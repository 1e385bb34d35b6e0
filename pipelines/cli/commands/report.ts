import { join, resolve } from 'node:path'
import { writeFileAtomic } from '../../core/atomic-file.ts'
import type { WorkDirectory } from '../../core/work-directory.ts'
import { readReportData } from '../../report/report-data.ts'
import { renderReport } from '../../report/render-report.ts'
import { selectRuns } from '../../run/run-folders.ts'
import { METRIC_HEAD, metricCells } from '../../report/metric-cells.ts'
import type { QualityMetrics } from '../../report/quality-metrics.ts'
import { renderTable } from '../reporter/text-table.ts'
import type { Reporter } from '../reporter/reporter.ts'

/** `curate report`: writes one HTML file per run that shows funnel, speedups, reasons and rows. */
export async function writeReports(options: { run?: string; workDir: string }, reporter: Reporter): Promise<number> {
  for (const { name, directories } of await selectRuns(resolve(options.workDir), options.run)) {
    const { path, metrics } = await writeReport(name, directories)
    const rows = metrics.map(metricCells)
    const table = rows.length === 0 ? [] : [renderTable(METRIC_HEAD, rows), '']
    reporter.result([...table, path].join('\n'), { run: name, path, metrics })
  }
  return 0
}

/** Writes the report of one run and gives its path, with the quality of its candidates. */
export async function writeReport(
  name: string,
  directories: WorkDirectory,
): Promise<{ path: string; metrics: readonly QualityMetrics[] }> {
  const path = join(directories.root, 'report.html')
  const data = await readReportData(name, directories)
  await writeFileAtomic(path, await renderReport(data))
  return { path, metrics: data.metrics }
}
