import { readFile, readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import type { OneOff } from '../../../validators/one-off.ts'
import { messageOf, systemCodeOf, usageError } from '../../core/errors.ts'
import type { CurateError } from '../../core/errors.ts'
import { formatBytes } from '../reporter/units.ts'

/** A reference and a candidate, with what it needs of the files beside it. Throws where one cannot be read. */
export async function readPair(paths: { reference: string; candidate: string }): Promise<Omit<OneOff, 'language'>> {
  // By its name first: a file that is no candidate is a slip of the hand, whatever else is wrong.
  const file = fileOf(paths.candidate)
  if (extname(paths.reference) !== '.py') {
    throw usageError(`${paths.reference} is no reference by its name`, 'A reference is a Python file that ends in .py.')
  }
  return { reference: await readText(paths.reference), ...(await readCandidate(paths.candidate, file)) }
}

async function readCandidate(
  path: string,
  file: NonNullable<OneOff['file']>,
): Promise<Pick<OneOff, 'code' | 'file' | 'beside'>> {
  const code = await readText(path)
  return file === 'plan.json' ? { code, file, beside: await filesBesidePlan(path) } : { code, file }
}

// Which of them the source includes only a compiler knows.
async function filesBesidePlan(path: string): Promise<NonNullable<OneOff['beside']>> {
  const names = (await readdir(dirname(path))).filter((name) => /\.(cu|cuh|h|hpp|inc)$/.test(name)).sort()
  return await Promise.all(
    names.map(async (name) => ({ path: name, content: await readText(join(dirname(path), name)) })),
  )
}

// What else it is called says nothing of what it is.
function fileOf(path: string): NonNullable<OneOff['file']> {
  const file = FILES[extname(path)]
  if (file !== undefined) return file
  throw usageError(
    `${path} is no candidate by its name`,
    'A candidate ends in .py, .cpp or .cu, or in .json if it is a launch plan.',
  )
}

const FILES: Readonly<Record<string, NonNullable<OneOff['file']>>> = {
  '.py': 'candidate.py',
  '.cpp': 'candidate.cpp',
  '.cu': 'candidate.cu',
  '.json': 'plan.json',
}

/** A file that the user named. */
export async function readText(path: string): Promise<string> {
  const size = await sizeOf(path, OF_PROGRAMS)
  if (size > MAX_BYTES) throw unreadable(path, `it has ${formatBytes(size)}`, OF_PROGRAMS)
  return await readFile(path, 'utf8').catch((error: unknown) => refuse(path, error, OF_PROGRAMS))
}

/** Throws for a file of candidates that cannot be read line by line. */
export async function requireLines(path: string): Promise<void> {
  await sizeOf(path, OF_LINES)
}

const OF_PROGRAMS = 'Name a Python, C++ or CUDA file, or a launch plan.'
const OF_LINES = 'Name a file of JSON lines with `task` and `code`.'

// What is no file, such as a pipe that nobody writes to, would never be read to its end.
async function sizeOf(path: string, hint: string): Promise<number> {
  const found = await stat(path).catch((error: unknown) => refuse(path, error, hint))
  if (!found.isFile()) throw unreadable(path, 'it is no file', hint)
  return found.size
}

function refuse(path: string, error: unknown, hint: string): never {
  throw systemCodeOf(error) === null ? error : unreadable(path, messageOf(error), hint)
}

// No program is that long.
const MAX_BYTES = 64_000_000

function unreadable(path: string, why: string, hint: string): CurateError {
  return usageError(`${path} cannot be read: ${why}`, hint)
}

/** Builds are shared by all evaluations outside runs. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'curate')
}
