import { readFile, readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { OneOff } from '../../../validators/one-off.ts'
import { messageOf, systemCodeOf, usageError } from '../../core/errors.ts'
import type { CurateError } from '../../core/errors.ts'
import { formatBytes } from '../reporter/units.ts'

/** The implementation in a file, with what it needs of the files beside it. Throws where one cannot be read. */
export async function readCandidate(path: string): Promise<Pick<OneOff, 'code' | 'file' | 'beside'>> {
  const code = await readText(path)
  const file = fileOf(path)
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
  if (path.endsWith('.cu')) return 'candidate.cu'
  if (path.endsWith('.json')) return 'plan.json'
  return path.endsWith('.cpp') ? 'candidate.cpp' : 'candidate.py'
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
