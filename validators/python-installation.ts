import { mkdir, readFile, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../pipelines/core/atomic-file.ts'
import { CurateError } from '../pipelines/core/errors.ts'
import { runProcess } from '../pipelines/core/process.ts'
import { acquireRunLock } from '../pipelines/core/run-lock.ts'
import { withoutSecrets } from '../pipelines/core/secrets.ts'
import { installedPackages } from './installed-packages.ts'
import type { Requirement } from './worker-requirements.ts'

/** A package to install; an optional one may fail. */
export interface WantedPackage extends Requirement {
  readonly optional: boolean
}

type OnProgress = (line: string) => void

/** Makes a virtual environment in `folder` if there is no whole one. */
export async function makeEnvironment(folder: string, leastPython: string, onProgress: OnProgress): Promise<void> {
  const python = join(folder, 'bin', 'python')
  if (await isWhole(python)) return
  await locked(folder, onProgress, async () => {
    if (await isWhole(python)) return
    if (existsSync(folder) && !existsSync(join(folder, RECORD_NAME)) && existsSync(join(folder, 'pyvenv.cfg'))) {
      throw new CurateError('python_environment_broken', `${folder} is a virtual environment that does not work`, {
        hint: 'It was not made by curate, so it is left alone: delete it and run the same command again.',
      })
    }
    const base = await findBasePython(leastPython)
    onProgress(`making a Python environment in ${folder} from ${base}`)
    await mkdir(folder, { recursive: true })
    await writeFileAtomic(join(folder, RECORD_NAME), `${JSON.stringify({ made_from: base })}\n`)
    await removeHalfInstalled(python)
    const made = await runProcess(base, ['-m', 'venv', folder], { timeoutMs: 300_000 })
    if (!made.ok) throw venvError(base, `${made.stdout}\n${made.stderr}`)
  })
}

/** Installs what is missing or was left half-done, and records it beside. */
export async function installRequirements(
  folder: string,
  python: string,
  wanted: readonly WantedPackage[],
  onProgress: OnProgress,
): Promise<void> {
  if ((await missingOf(folder, python, wanted)).length === 0) return
  await locked(folder, onProgress, async () => {
    const missing = await missingOf(folder, python, wanted)
    const required = missing.filter(({ optional }) => !optional)
    if (required.length > 0) await install(python, required, onProgress)
    const skipped: Record<string, string> = {}
    for (const requirement of missing.filter(({ optional }) => optional)) {
      try {
        await install(python, [requirement], onProgress)
      } catch (error) {
        if (!(error instanceof CurateError) || error.code === 'no_network') throw error
        skipped[specOf(requirement)] = error.message
        onProgress(`${specOf(requirement)} cannot be installed on this machine; kernels that need it are not run`)
      }
    }
    const record = { installed: wanted.map(specOf).filter((spec) => !(spec in skipped)), skipped }
    await writeFileAtomic(join(folder, RECORD_NAME), `${JSON.stringify(record, null, 2)}\n`)
  })
}

/** Records what was done; its presence says that the environment is ours to change. */
const RECORD_NAME = 'curate-environment.json'

const PreparationRecord = z.looseObject({ skipped: z.record(z.string(), z.string()).default({}) })

function specOf({ name, version }: Requirement): string {
  return `${name}==${version}`
}

async function isWhole(python: string): Promise<boolean> {
  if (!existsSync(python)) return false
  return (await installedPackages(python)).get('pip')?.complete === true
}

// An optional package counts in any version: PyTorch's CUDA builds bring the Triton that fits them.
async function missingOf(folder: string, python: string, wanted: readonly WantedPackage[]): Promise<WantedPackage[]> {
  const present = await installedPackages(python)
  const skipped = await readSkipped(folder)
  return wanted.filter((requirement) => {
    const found = present.get(requirement.name)
    if (found?.complete === true && (requirement.optional || isVersion(found.version, requirement.version)))
      return false
    return !(requirement.optional && specOf(requirement) in skipped)
  })
}

// `2.13.0+cpu` is 2.13.0 in one of its builds.
function isVersion(found: string, wanted: string): boolean {
  return found === wanted || found.startsWith(`${wanted}+`)
}

async function readSkipped(folder: string): Promise<Record<string, string>> {
  try {
    return PreparationRecord.parse(JSON.parse(await readFile(join(folder, RECORD_NAME), 'utf8'))).skipped
  } catch {
    return {}
  }
}

async function install(python: string, requirements: readonly Requirement[], onProgress: OnProgress): Promise<void> {
  const specs = requirements.map(specOf)
  onProgress(`installing ${specs.join(', ')}`)
  await removeHalfInstalled(python)
  const args = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--retries', '2', ...specs]
  const done = await runProcess(python, [...args, '--no-compile'], { timeoutMs: INSTALL_MS })
  if (!done.ok) throw installError(specs, `${done.stdout}\n${done.stderr}`, done.timedOut)
  await compileModules(python)
}

// pip does it on one processor. What fails is Python of another version, as some of PyTorch's tests are.
async function compileModules(python: string): Promise<void> {
  const code = 'import compileall, sysconfig; compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2, workers=0)'
  await runProcess(python, ['-c', code], { timeoutMs: INSTALL_MS })
}

// pip and venv take a package for installed once its metadata is there, although its files may not be.
async function removeHalfInstalled(python: string): Promise<void> {
  for (const { complete, metadata } of (await installedPackages(python)).values()) {
    if (!complete) await rm(metadata, { recursive: true, force: true })
  }
}

function installError(specs: readonly string[], output: string, timedOut: boolean): CurateError {
  const last =
    output
      .trim()
      .split('\n')
      .filter((line) => /error/i.test(line))
      .at(-1) ??
    output.trim().split('\n').at(-1) ??
    ''
  const said = withoutSecrets(last).slice(0, 500)
  if (timedOut || NETWORK_TROUBLE.test(output)) {
    return new CurateError('no_network', `${specs.join(', ')} could not be downloaded: ${said}`, {
      hint: 'Check the network, or pip’s proxy and index settings, and run the same command again: what is there stays.',
      retryable: true,
    })
  }
  if (/No space left on device/.test(output)) {
    return new CurateError('disk_full', `${specs.join(', ')} could not be installed: the disk is full`, {
      hint: 'PyTorch needs up to 6 GB: free some space and run the same command again.',
      retryable: true,
    })
  }
  return new CurateError('python_packages', `${specs.join(', ')} could not be installed: ${said}`, {
    hint: 'Another Python version may have these packages: see `curate doctor`, or name an interpreter with PyTorch in CURATE_PYTHON.',
  })
}

const INSTALL_MS = 1_800_000
const NETWORK_TROUBLE =
  /Temporary failure in name resolution|Name or service not known|Network is unreachable|Connection refused|ConnectTimeout|Max retries exceeded|NewConnectionError|ReadTimeout|ProxyError/

async function findBasePython(least: string): Promise<string> {
  const seen: string[] = []
  for (const name of BASE_NAMES) {
    const asked = await runProcess(name, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
      timeoutMs: 30_000,
    })
    if (!asked.ok) continue
    if (isAtLeast(asked.stdout.trim(), least)) return name
    seen.push(`${name} is ${asked.stdout.trim()}`)
  }
  const message =
    seen.length === 0 ? 'there is no Python on the PATH' : `Python ${least} or newer is needed, and ${seen.join(', ')}`
  throw new CurateError(seen.length === 0 ? 'python_missing' : 'python_too_old', message, {
    hint: `Install Python ${least} or newer (Debian: \`apt install python3 python3-venv\`), or name an interpreter in CURATE_PYTHON.`,
  })
}

const BASE_NAMES = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']

function isAtLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number)
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
}

function venvError(base: string, output: string): CurateError {
  if (/ensurepip|No module named venv/.test(output)) {
    return new CurateError('venv_missing', `${base} cannot make virtual environments`, {
      hint: 'Install its venv module (Debian: `apt install python3-venv`) and run the same command again.',
    })
  }
  return new CurateError('python_environment', `${base} -m venv failed: ${output.trim().split('\n').at(-1) ?? ''}`, {
    hint: 'Name an interpreter that has PyTorch in CURATE_PYTHON instead.',
  })
}

// Two commands may start at the same time, each wanting the environment.
async function locked(folder: string, onProgress: OnProgress, work: () => Promise<void>): Promise<void> {
  let told = false
  for (;;) {
    try {
      const release = await acquireRunLock(`${folder}.lock`)
      try {
        return await work()
      } finally {
        await release()
      }
    } catch (error) {
      if (!(error instanceof CurateError) || error.code !== 'work_directory_busy') throw error
      if (!told) onProgress('another process is preparing the Python environment; waiting for it')
      told = true
      await wait(500)
    }
  }
}
