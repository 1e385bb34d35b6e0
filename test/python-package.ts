import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { sha256 } from '../pipelines/core/hash.ts'
import { runProcess } from '../pipelines/core/process.ts'
import { findPython } from '../validators/python-environment.ts'

/** A Python that has a package, and the environment it needs for that; or why there is none. */
export type PythonWith =
  { readonly python: string; readonly env: Readonly<Record<string, string>> } | { readonly missing: string }

/**
 * A package that only some tests start, by its key in the worker's pyproject.toml: beside the worker's packages, in a folder of its own.
 * Made once, in some seconds; without a network those tests are skipped with the reason.
 */
export async function pythonWith(key: 'cluster' | 'object-store'): Promise<PythonWith> {
  const { python } = await findPython()
  const text = await readFile(join(packageRoot, 'validators', 'worker', 'pyproject.toml'), 'utf8')
  const list = new RegExp(`^${key} = \\[(.*)\\]$`, 'm').exec(text)?.[1] ?? ''
  const requirements = [...list.matchAll(/"([^"]+)"/g)].map(([, requirement = '']) => requirement)
  const folder = join(packageRoot, 'node_modules', '.cache', 'curate', `${key}-${sha256(list).slice(0, 12)}`)
  if (!existsSync(folder)) {
    const aside = `${folder}.${process.pid}`
    await mkdir(dirname(folder), { recursive: true })
    const args = ['install', '--quiet', '--no-input', '--no-compile', '--target', aside, ...requirements]
    const done = await runProcess(python, ['-m', 'pip', ...args], { timeoutMs: 300_000 })
    if (!done.ok) {
      await rm(aside, { recursive: true, force: true })
      return { missing: `${requirements.join(', ')} cannot be installed: ${done.stderr.trim().split('\n').at(-1)}` }
    }
    await rename(aside, folder)
  }
  return { python, env: { PYTHONPATH: folder } }
}
