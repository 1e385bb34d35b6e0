import { resolve } from 'node:path'
import { preparePython } from '../../../validators/python-environment.ts'
import { workDirectory } from '../../core/work-directory.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { writeReport } from './report.ts'
import { runRecipe } from './run.ts'

/** `curate quickstart`: prepares the worker and runs every stage on the bundled example repository. */
export async function quickstart(
  options: { workDir: string; set: readonly string[] },
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number> {
  await preparePython({ developer: false, onProgress: (line) => reporter.note(line) })
  const run = { recipe: 'quickstart', force: [], update: false, dryRun: false, ...options }
  const exitCode = await runRecipe(run, reporter, signal)
  if (exitCode !== 0) return exitCode
  const { path } = await writeReport('quickstart', workDirectory(resolve(options.workDir), 'quickstart'))
  reporter.result(
    [
      `report: ${path}`,
      '',
      'Next: `curate inspect ID` shows one row’s way, `curate list` what a recipe can name.',
    ].join('\n'),
    { report: path },
  )
  return 0
}
