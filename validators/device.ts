import { constants } from 'node:fs'
import { access, readFile, readdir, realpath, stat } from 'node:fs/promises'
import { cpus } from 'node:os'
import { delimiter, join } from 'node:path'
import { CurateError } from '../pipelines/core/errors.ts'
import { hashOf, sha256 } from '../pipelines/core/hash.ts'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { listGpus } from './gpu-list.ts'
import { installedPackages } from './installed-packages.ts'
import { findPython } from './python-environment.ts'

/**
 * What validation would run on, as one line that changes when its verdicts may: interpreter, PyTorch, Triton, compilers, GPUs or
 * processor, and the worker's own sources. Starts no Python; a plan calls it.
 */
export async function describeDevice(): Promise<string> {
  const python = await findPython().catch((error: unknown) => {
    if (error instanceof CurateError) return null
    throw error
  })
  const packages = python === null ? null : await installedPackages(python.python)
  const gpus = await listGpus()
  const facts = {
    python: python?.python ?? 'none',
    torch: packages?.get('torch')?.version ?? 'none',
    triton: packages?.get('triton')?.version ?? 'none',
    numpy: packages?.get('numpy')?.version ?? 'none',
    compilers: hashOf([await identityOf('g++'), await identityOf('nvcc')]).slice(0, 8),
    hardware:
      gpus.length === 0
        ? (cpus()[0]?.model.trim() ?? 'unknown')
        : gpus.map(({ name, driver }) => `${name} (${driver})`),
    worker: (await hashOfWorker()).slice(0, 16),
  }
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')
}

/** Hash of the worker's Python sources. */
export async function hashOfWorker(): Promise<string> {
  const folder = join(packageRoot, 'validators', 'worker', 'curate_worker')
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.py')).sort()
  const texts = await Promise.all(names.map(async (name) => [name, sha256(await readFile(join(folder, name)))]))
  return hashOf(texts)
}

// Which program it is without starting it: its place, size and time.
async function identityOf(program: string): Promise<unknown> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program)
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (!usable) continue
    const real = await realpath(path)
    const { size, mtimeMs } = await stat(real)
    return [real, size, Math.floor(mtimeMs)]
  }
  return null
}
