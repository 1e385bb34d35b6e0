import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCodeOf } from './errors.ts'

/**
 * Removes what killed processes of this machine left in a folder: temporary files and folders carry the id of the process that makes
 * them, after the name of what they were to become. With `target` only what was to become that.
 */
export async function removeAbandoned(folder: string, target: string | null = null): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, wanted, pid] = /^(.+)\.(\d+)-[0-9a-f]+\.tmp$/.exec(name) ?? []
    if (pid === undefined || (target !== null && wanted !== target) || isAlive(Number(pid))) continue
    await rm(join(folder, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCodeOf(error) !== 'ESRCH'
  }
}
