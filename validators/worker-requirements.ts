import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../pipelines/core/package-root.ts'

/** One pinned package of the worker. */
export interface Requirement {
  readonly name: string
  readonly version: string
}

/** What the worker needs, from its pyproject.toml: the one place where versions are written. */
export interface WorkerRequirements {
  readonly required: readonly Requirement[]
  /** Installed where it can be. */
  readonly triton: readonly Requirement[]
  readonly developer: readonly Requirement[]
  /** The least Python, such as `3.10`. */
  readonly python: string
}

export async function readWorkerRequirements(): Promise<WorkerRequirements> {
  const text = await readFile(join(packageRoot, 'validators', 'worker', 'pyproject.toml'), 'utf8')
  return {
    required: listOf(text, 'dependencies'),
    triton: listOf(text, 'triton'),
    developer: listOf(text, 'developer'),
    python: /^requires-python\s*=\s*">=([\d.]+)"/m.exec(text)?.[1] ?? '3.10',
  }
}

// The file is ours and holds lists of one line; a parser for all of TOML would be a dependency for four of them.
function listOf(text: string, key: string): Requirement[] {
  const list = new RegExp(`^${key}\\s*=\\s*\\[(.*)\\]`, 'm').exec(text)?.[1] ?? ''
  return [...list.matchAll(/"([A-Za-z0-9._-]+)==([^"]+)"/g)].flatMap(([, name, version]) =>
    name === undefined || version === undefined ? [] : [{ name, version }],
  )
}
