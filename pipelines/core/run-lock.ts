import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { z } from 'zod'
import { temporaryName } from './atomic-file.ts'
import { CurateError, systemCodeOf } from './errors.ts'
import { makeFolder } from './folder.ts'

const Holder = z.object({ pid: z.int(), host: z.string(), process_start: z.string(), since: z.string() })
type Holder = z.infer<typeof Holder>

/**
 * Takes the right to write to a work directory, and gives the function that returns it. A process that was killed holds
 * nothing: its lock is taken over at once, known by process id and start time, so that a reused id is not mistaken.
 */
export async function acquireRunLock(path: string): Promise<() => Promise<void>> {
  await makeFolder(dirname(path))
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await tryCreate(path)) return () => rm(path, { force: true })
    const holder = await readHolder(path)
    if (holder !== null && isAlive(holder)) throw heldBy(path, holder)
    await removeStale(path, holder)
  }
  throw new CurateError('work_directory_busy', `another process keeps taking ${path}`, {
    hint: 'Wait for the other run to end, or give this one its own folder with --work-dir.',
    retryable: true,
  })
}

// Written aside and linked into place, so that no reader ever sees a lock without its holder.
async function tryCreate(path: string): Promise<boolean> {
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    process_start: processStart(process.pid) ?? '',
    since: new Date().toISOString(),
  }
  const aside = temporaryName(path)
  await writeFile(aside, JSON.stringify(holder))
  try {
    await link(aside, path)
    return true
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(aside, { force: true })
  }
}

async function readHolder(path: string): Promise<Holder | null> {
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    return Holder.parse(JSON.parse(text))
  } catch {
    return null
  }
}

function isAlive(holder: Holder): boolean {
  if (holder.host !== hostname()) return true
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if (systemCodeOf(error) === 'ESRCH') return false
  }
  const start = processStart(holder.pid)
  return start === null || holder.process_start === '' || start === holder.process_start
}

// Field 22 of /proc/PID/stat: start time in clock ticks since boot (proc(5)). The name in field 2 may hold spaces.
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

// Renamed before it is removed: of two processes that see the same stale lock, only one can move it. If a third took the
// lock meanwhile, what was moved is its lock, and goes back.
async function removeStale(path: string, stale: Holder | null): Promise<void> {
  const aside = temporaryName(path)
  try {
    await rename(path, aside)
    const moved = await readHolder(aside)
    if (moved !== null && JSON.stringify(moved) !== JSON.stringify(stale)) await link(aside, path)
    await rm(aside, { force: true })
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(systemCodeOf(error) ?? '')) throw error
  }
}

function heldBy(path: string, holder: Holder): CurateError {
  return new CurateError(
    'work_directory_busy',
    `process ${holder.pid} on ${holder.host} has been working in ${dirname(path)} since ${holder.since}`,
    { hint: `Wait for it, stop it, or use another --work-dir. If that host is gone, delete ${path}.`, retryable: true },
  )
}
