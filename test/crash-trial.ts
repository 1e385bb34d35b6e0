import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TEMPORARY_SUFFIX } from '../pipelines/core/atomic-file.ts'
import { sha256OfFile } from '../pipelines/core/hash.ts'
import { startCurate } from './curate-process.ts'

/** Correctness only: what is measured with a clock cannot be the same twice, everything else must be. */
export const REPEATABLE_RUN = ['--recipe', 'quickstart', '--set', 'validate.mode=screen', '--json']

/** One run that was killed again and again and then left to finish. */
export interface CrashTrial {
  /** Milliseconds after its start that each killed process lived. */
  readonly killedAfterMs: readonly number[]
  readonly exitCode: number | null
  /** Outputs whose bytes differ from those of a run that nothing disturbed; and outputs that only one of the two has. */
  readonly different: readonly string[]
  /** Files with a temporary name that were left behind. */
  readonly leftOver: readonly string[]
  /** Processes of killed runs that were still alive afterwards. */
  readonly orphans: number
}

/** Runs the quickstart recipe in `workDir`, kills it after each of the delays, lets it finish, and compares with `expected`. */
export async function crashTrial(
  workDir: string,
  delaysMs: readonly number[],
  expected: ReadonlyMap<string, string>,
): Promise<CrashTrial> {
  const killedAfterMs: number[] = []
  for (const delay of delaysMs) {
    const { child, ended } = startCurate([...REPEATABLE_RUN, '--work-dir', workDir])
    const finished = await Promise.race([ended.then(() => true), sleep(delay, false)])
    if (finished) break
    child.kill('SIGKILL')
    await ended
    killedAfterMs.push(delay)
  }
  const { exitCode } = await startCurate([...REPEATABLE_RUN, '--work-dir', workDir]).ended
  const orphans = await countOrphans(workDir)
  const outputs = await outputHashes(workDir)
  const paths = new Set([...expected.keys(), ...outputs.keys()])
  return {
    killedAfterMs,
    exitCode,
    different: [...paths].filter((path) => expected.get(path) !== outputs.get(path)),
    leftOver: (await filesOf(workDir)).filter((path) => path.endsWith(TEMPORARY_SUFFIX)),
    orphans,
  }
}

/** Path to SHA-256 of every output of the quickstart run in a work directory; manifests tell when, so they are left out. */
export async function outputHashes(workDir: string): Promise<Map<string, string>> {
  const root = join(workDir, 'quickstart')
  const files = (await filesOf(root)).filter((path) => /^(mine|pair|generate|validate|filter|export)\//.test(path))
  const outputs = files.filter((path) => !path.endsWith('manifest.json')).sort()
  return new Map(await Promise.all(outputs.map(async (path) => [path, await sha256OfFile(join(root, path))] as const)))
}

async function filesOf(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return []
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
}

// Every process of a run has the path of its work directory in its arguments or its environment. Workers notice the end of
// their parent within a second or so.
async function countOrphans(workDir: string): Promise<number> {
  let alive = 0
  for (let attempt = 0; attempt < 20; attempt += 1) {
    alive = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && mentions(pid, workDir)).length
    if (alive === 0) return 0
    await sleep(250)
  }
  return alive
}

function mentions(pid: string, text: string): boolean {
  return ['cmdline', 'environ'].some((file) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(text)
    } catch {
      return false
    }
  })
}
