import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CurateError } from '../pipelines/core/errors.ts'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { runProcess } from '../pipelines/core/process.ts'
import { findPython } from '../validators/python-environment.ts'

// `node test/ruff.ts [--fix]`: the Python of this repository under one configuration. Left out: the example library, which is
// written as it would be found, and kernels under test/fixtures, many of which are wrong on purpose.
const FOLDERS = [
  'validators/worker',
  'pipelines/engines/ray',
  'test/pipelines/engines',
  'bench/ray',
  'test/validators/worker',
  'test/fixtures/exports',
]

process.exitCode = await lint(process.argv.includes('--fix')).catch((error: unknown) => {
  if (!(error instanceof CurateError)) throw error
  console.error(`ruff: ${error.message}: ${error.hint}`)
  return 2
})

async function lint(fix: boolean): Promise<number> {
  const { python } = await findPython()
  const ruff = join(dirname(python), 'ruff')
  if (!existsSync(ruff)) {
    throw new CurateError('ruff_missing', `there is no ${ruff}`, { hint: 'run `npm run prepare-worker`' })
  }
  const rules = await show(ruff, ['check', ...(fix ? ['--fix'] : [])])
  const format = await show(ruff, ['format', ...(fix ? [] : ['--check'])])
  return rules && format ? 0 : 1
}

async function show(ruff: string, command: readonly string[]): Promise<boolean> {
  const config = join(packageRoot, 'validators', 'worker', 'pyproject.toml')
  const args = [...command, '--no-cache', '--config', config, ...FOLDERS]
  const { ok, stdout, stderr } = await runProcess(ruff, args, { cwd: packageRoot })
  if (!ok) process.stderr.write(stdout + stderr)
  return ok
}
