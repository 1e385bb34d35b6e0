import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path'
import { CurateError } from '../pipelines/core/errors.ts'
import { hashOf } from '../pipelines/core/hash.ts'
import { packageRoot } from '../pipelines/core/package-root.ts'
import { installedPackages } from './installed-packages.ts'
import { installRequirements, makeEnvironment } from './python-installation.ts'
import { writeWorkerBytecode } from './worker-bytecode.ts'
import { readWorkerRequirements } from './worker-requirements.ts'
import type { WorkerRequirements } from './worker-requirements.ts'

/** The interpreter that the worker runs in. */
export interface PythonEnvironment {
  /** Absolute path. */
  readonly python: string
  /** `CURATE_PYTHON`, or the folder of our own environment. */
  readonly origin: 'CURATE_PYTHON' | 'own'
}

/** Settings of a preparation. */
export interface PreparationOptions {
  /** Also install what the tests and the linter need. */
  readonly developer: boolean
  /** Told what is being done, one line at a time. */
  readonly onProgress: (line: string) => void
}

/** The interpreter to use. Throws a CurateError that says how to get one. */
export async function findPython(): Promise<PythonEnvironment> {
  const named = process.env['CURATE_PYTHON']
  if (named !== undefined && named !== '') return { python: await resolveProgram(named), origin: 'CURATE_PYTHON' }
  const folder = await environmentFolder()
  const python = join(folder, 'bin', 'python')
  if (await isExecutable(python)) return { python, origin: 'own' }
  throw new CurateError('python_missing', `there is no Python environment in ${folder}`, {
    hint: 'Run `curate doctor --prepare` to make one, or name an interpreter that has PyTorch in CURATE_PYTHON.',
  })
}

/**
 * Makes sure that the worker has its interpreter and packages, and gives it. Does nothing, and quickly, where all is there; what
 * a killed preparation left behind is taken up and finished.
 */
export async function preparePython(options: PreparationOptions): Promise<PythonEnvironment> {
  const requirements = await readWorkerRequirements()
  const named = process.env['CURATE_PYTHON']
  if (named !== undefined && named !== '') {
    const python = await resolveProgram(named)
    await requireTorch(python)
    await writeWorkerBytecode(python)
    return { python, origin: 'CURATE_PYTHON' }
  }
  const folder = await environmentFolder()
  const python = join(folder, 'bin', 'python')
  await makeEnvironment(folder, requirements.python, options.onProgress)
  await installRequirements(folder, python, wantedOf(requirements, options.developer), options.onProgress)
  await writeWorkerBytecode(python)
  return { python, origin: 'own' }
}

/** Where our own environment lies: beside the sources, or, for an installed package, in the user's cache. */
async function environmentFolder(): Promise<string> {
  if (!packageRoot.includes(`${sep}node_modules${sep}`)) return join(packageRoot, '.venv')
  const requirements = await readWorkerRequirements()
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(cache, 'curate', `python-${hashOf([requirements.required, requirements.triton]).slice(0, 12)}`)
}

/** What to install, and whether it may be missing in the end. */
function wantedOf(requirements: WorkerRequirements, developer: boolean) {
  const optional = { optional: true } as const
  return [
    ...requirements.required.map((requirement) => ({ ...requirement, optional: false })),
    ...(developer ? requirements.developer.map((requirement) => ({ ...requirement, optional: false })) : []),
    ...requirements.triton.map((requirement) => ({ ...requirement, ...optional })),
  ]
}

// The path as it is, links not followed: the interpreter of a virtual environment is a link, and its place is its meaning.
async function resolveProgram(name: string): Promise<string> {
  const places = name.includes('/')
    ? [isAbsolute(name) ? name : resolve(name)]
    : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))
  for (const place of places) if (await isExecutable(place)) return place
  throw new CurateError('python_missing', `CURATE_PYTHON names ${name}, which is no program`, {
    hint: 'Set CURATE_PYTHON to the path of a Python interpreter that has PyTorch, or unset it.',
  })
}

async function requireTorch(python: string): Promise<void> {
  if ((await installedPackages(python)).get('torch')?.complete === true) return
  throw new CurateError('torch_missing', `the interpreter ${python} of CURATE_PYTHON has no PyTorch`, {
    hint: `Install it there (\`${python} -m pip install torch numpy\`), or unset CURATE_PYTHON and run \`curate doctor --prepare\`.`,
  })
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => dirname(path) !== path,
    () => false,
  )
}
