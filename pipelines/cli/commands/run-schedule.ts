import { appendFile, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cron } from 'croner'
import { loadRecipe } from '../../config/load-recipe.ts'
import { writeFileAtomic } from '../../core/atomic-file.ts'
import { messageOf, toCurateError, usageError } from '../../core/errors.ts'
import { workDirectory } from '../../core/work-directory.ts'
import type { WorkDirectory } from '../../core/work-directory.ts'
import { readFunnel } from '../../run/funnel.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { writeReport } from './report.ts'
import { runRecipe } from './run.ts'

/** Flags of a schedule that runs in this process. */
export interface RunSchedule {
  readonly recipe: string
  readonly cron: string
  readonly workDir: string
  /** Run once at once, then at the times. */
  readonly now: boolean
  /** End after so many runs; never by itself where it is absent. */
  readonly times?: number
}

/** What one run of a schedule came to: a line of `schedule.jsonl`, and the whole of `last-run.json`. */
interface ScheduledRun {
  readonly started_at: string
  readonly finished_at: string
  readonly exit_code: number
  /** `done`, `some_shards_failed`, `interrupted` or the code of what stopped it. */
  readonly outcome: string
  readonly error: string | null
  readonly selected: number | null
  readonly report: string | null
}

/**
 * Runs a recipe at the times that a cron pattern names until it is interrupted, with newer commits of its sources each time. A run that
 * fails is written down and the next one is waited for; while one goes on, the next does not begin. The exit code is that of the last.
 */
export async function runSchedule(options: RunSchedule, reporter: Reporter, signal: AbortSignal): Promise<number> {
  const times = openTimes(options.cron)
  const { recipe } = await loadRecipe(options.recipe)
  const run = { name: recipe.name, directories: workDirectory(resolve(options.workDir), recipe.name) }
  let exitCode = 0
  let runs = 0
  for (let isDue = options.now; !signal.aborted; isDue = true) {
    if (isDue) {
      const finished = await runOnce(options, run, reporter, signal)
      exitCode = finished.exit_code
      runs += 1
    }
    if (signal.aborted || (options.times !== undefined && runs >= options.times)) return exitCode
    const next = times.nextRun()
    if (next === null) return exitCode
    reporter.note(`next run at ${next.toISOString()}`)
    await sleepUntil(next, signal)
  }
  return 130
}

/** Times of a cron pattern. Throws for one that is none. */
export function openTimes(pattern: string): Cron {
  try {
    return new Cron(pattern, { paused: true })
  } catch (error) {
    throw usageError(`--cron "${pattern}": ${messageOf(error)}`, 'For example --cron "0 3 * * 1": Mondays at 03:00.')
  }
}

// A timer holds at most 24 days, and a machine may sleep meanwhile.
const LONGEST_WAIT_MS = 3600 * 1000

async function sleepUntil(time: Date, signal: AbortSignal): Promise<void> {
  for (;;) {
    const left = time.getTime() - Date.now()
    if (left <= 0 || signal.aborted) return
    await sleep(Math.min(left, LONGEST_WAIT_MS), undefined, { signal }).catch(() => undefined)
  }
}

async function runOnce(
  options: RunSchedule,
  { name, directories }: { name: string; directories: WorkDirectory },
  reporter: Reporter,
  signal: AbortSignal,
): Promise<ScheduledRun> {
  const started_at = new Date().toISOString()
  const ended = await attempt(options, reporter, signal)
  const funnel = await readFunnel(directories)
  // Also of a run of which some shards failed: the others are there to look at.
  const isReported = ended.exit_code === 0 || ended.outcome === OUTCOMES[1]
  const report = isReported ? (await writeReport(name, directories)).path : null
  const selected = funnel.find(({ stage }) => stage === 'filter')?.written['selected'] ?? null
  const run: ScheduledRun = { started_at, finished_at: new Date().toISOString(), ...ended, selected, report }
  await mkdir(directories.root, { recursive: true })
  await appendFile(join(directories.root, 'schedule.jsonl'), `${JSON.stringify(run)}\n`)
  await writeFileAtomic(join(directories.root, 'last-run.json'), `${JSON.stringify(run, null, 2)}\n`)
  return run
}

type Ended = Pick<ScheduledRun, 'exit_code' | 'outcome' | 'error'>

const OUTCOMES: Readonly<Record<number, string>> = { 0: 'done', 1: 'some_shards_failed', 130: 'interrupted' }

async function attempt(options: RunSchedule, reporter: Reporter, signal: AbortSignal): Promise<Ended> {
  const { recipe, workDir } = options
  try {
    const exit_code = await runRecipe(
      { recipe, workDir, set: [], force: [], update: true, dryRun: false },
      reporter,
      signal,
    )
    return { exit_code, outcome: OUTCOMES[exit_code] ?? 'failed', error: null }
  } catch (thrown) {
    const error = toCurateError(thrown)
    if (!signal.aborted) reporter.error(error)
    return {
      exit_code: signal.aborted ? 130 : 1,
      outcome: signal.aborted ? 'interrupted' : error.code,
      error: error.message,
    }
  }
}
