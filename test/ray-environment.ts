import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { runProcess } from '../pipelines/core/process.ts'
import { findPython } from '../validators/python-environment.ts'

/** A Python that has Ray, and the environment it needs for that; or why there is none. */
export type RayEnvironment =
  { readonly python: string; readonly env: Readonly<Record<string, string>> } | { readonly missing: string }

/**
 * Ray beside the worker's packages, in a folder of its own: it is 280 MB that only these tests need. Made once, in some seconds;
 * without a network they are skipped with the reason.
 */
export async function rayEnvironment(): Promise<RayEnvironment> {
  const { python } = await findPython()
  const text = await readFile(join(packageRoot, 'validators', 'worker', 'pyproject.toml'), 'utf8')
  const version = /"ray==([^"]+)"/.exec(text)?.[1] ?? ''
  const folder = join(packageRoot, 'node_modules', '.cache', 'curate', `ray-${version}`)
  if (!existsSync(folder)) {
    const aside = `${folder}.${process.pid}`
    await mkdir(dirname(folder), { recursive: true })
    const args = ['install', '--quiet', '--no-input', '--no-compile', '--target', aside, `ray==${version}`]
    const done = await runProcess(python, ['-m', 'pip', ...args], { timeoutMs: 300_000 })
    if (!done.ok) {
      await rm(aside, { recursive: true, force: true })
      return { missing: `Ray ${version} cannot be installed: ${done.stderr.trim().split('\n').at(-1)}` }
    }
    await rename(aside, folder)
  }
  return { python, env: { PYTHONPATH: folder, RAY_DISABLE_DOCKER_CPU_WARNING: '1', PYTHONDONTWRITEBYTECODE: '' } }
}
