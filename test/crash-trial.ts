import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TEMPORARY_SUFFIX } from '../pipelines/core/atomic-file.ts'
import { sha256OfFile } from '../pipelines/core/hash.ts'
import { startCurate } from './curate-process.ts'

const RECIPE = join(import.meta.dirname, 'fixtures', 'cli', 'small.yaml')

/** Correctness only: what is measured with a clock cannot be the same twice, everything else must be. */
export const REPEATABLE_RUN = ['--recipe', RECIPE, '--json']

/** A moment at which a process is killed: so long after its first shard of a stage started. */
export interface Kill {
  readonly stage: string
  readonly afterMs: number
}

/** One run that was killed again and again and then left to finish. */
export interface CrashTrial {
  readonly kills: readonly Kill[]
  readonly exitCode: number | null
  /** Outputs whose bytes differ from those of a run that nothing disturbed; and outputs that only one of the two has. */
  readonly different: readonly string[]
  /** Files with a temporary name, or of a try that did not finish, that were left behind. */
  readonly leftOver: readonly string[]
  /** Processes of killed runs that were still alive afterwards. */
  readonly orphans: number
}

/** A run that nothing disturbed: what the killed ones are compared with. */
export interface Undisturbed {
  readonly outputs: ReadonlyMap<string, string>
  /** Stage to how long it took, in milliseconds, in order. */
  readonly durations: ReadonlyMap<string, number>
}

/** Runs the recipe in `workDir` from start to end. */
export async function runUndisturbed(workDir: string): Promise<Undisturbed> {
  const { exitCode, stdout, stderr } = await startCurate([...REPEATABLE_RUN, '--work-dir', workDir]).ended
  if (exitCode !== 0) throw new Error(stderr)
  const durations = stdout.matchAll(/"type":"stage_finished","stage":"(\w+)","duration_ms":(\d+)/g)
  return {
    outputs: await outputHashes(workDir),
    durations: new Map([...durations].map(([, stage = '', ms]) => [stage, Number(ms)])),
  }
}

/** One moment in each stage, chosen by chance: the same for the same seed (mulberry32, public domain). */
export function randomKills(seed: number, durations: ReadonlyMap<string, number>): Kill[] {
  let state = seed
  return [...durations].map(([stage, duration]) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return { stage, afterMs: Math.round((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * duration) }
  })
}

/** Runs the recipe in `workDir`, kills it at each of the moments, lets it finish, and compares it with the undisturbed run. */
export async function crashTrial(
  workDir: string,
  plannedKills: readonly Kill[],
  { outputs: expected }: Undisturbed,
): Promise<CrashTrial> {
  const kills: Kill[] = []
  for (const kill of plannedKills) {
    const { child, ended } = startCurate([...REPEATABLE_RUN, '--work-dir', workDir])
    const moment = printed(child, `"type":"shard_started","stage":"${kill.stage}"`).then(() => sleep(kill.afterMs))
    await Promise.race([ended, moment])
    child.kill('SIGKILL')
    const { signal } = await ended
    if (signal === 'SIGKILL') kills.push(kill)
  }
  const { exitCode } = await startCurate([...REPEATABLE_RUN, '--work-dir', workDir]).ended
  const orphans = await countOrphans(workDir)
  const outputs = await outputHashes(workDir)
  const paths = new Set([...expected.keys(), ...outputs.keys()])
  return {
    kills,
    exitCode,
    different: [...paths].filter((path) => expected.get(path) !== outputs.get(path)),
    leftOver: (await filesOf(workDir)).filter(
      (path) => path.endsWith(TEMPORARY_SUFFIX) || path.split('/').includes('attempts'),
    ),
    orphans,
  }
}

/** Path to SHA-256 of every output of the run in a work directory; manifests tell when, so they are left out. */
export async function outputHashes(workDir: string): Promise<Map<string, string>> {
  const root = join(workDir, 'small')
  const files = (await filesOf(root)).filter((path) => /^(mine|pair|generate|validate|filter|export)\//.test(path))
  const outputs = files.filter((path) => !path.endsWith('manifest.json')).sort()
  return new Map(await Promise.all(outputs.map(async (path) => [path, await sha256OfFile(join(root, path))] as const)))
}

/** Resolves when a process has printed a text; never, where it ends without. */
export async function printed({ stdout }: Pick<ChildProcess, 'stdout'>, text: string): Promise<void> {
  let seen = ''
  await new Promise<void>((resolve) => {
    stdout?.on('data', (chunk: string) => {
      seen += chunk
      if (seen.includes(text)) resolve()
    })
  })
}

async function filesOf(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return []
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
}

/**
 * How many processes of a run are left: each has the path of its work directory in its arguments or its environment. Workers
 * notice the end of their parent within a second or so.
 */
export async function countOrphans(workDir: string): Promise<number> {
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
