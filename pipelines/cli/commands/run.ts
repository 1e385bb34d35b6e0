import { resolve } from 'node:path'
import { usageError } from '../../core/errors.ts'
import type { RunEvent, RunOutcome } from '../../core/events.ts'
import { STAGE_NAMES } from '../../core/stage.ts'
import type { StageName } from '../../core/stage.ts'
import { workDirectory } from '../../core/work-directory.ts'
import { loadRecipe } from '../../config/load-recipe.ts'
import { nearestName } from '../../config/nearest-name.ts'
import { readFunnel } from '../../run/funnel.ts'
import { stagesBetween } from '../../run/plan.ts'
import { planRun } from '../../run/preparation.ts'
import type { RunRequest } from '../../run/preparation.ts'
import { run } from '../../run/run.ts'
import { askAtTerminal, selectEngine } from '../engine-selection.ts'
import { renderFunnel } from '../reporter/funnel-table.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { renderOutcome } from '../reporter/terminal-reporter.ts'
import { renderTable } from '../reporter/text-table.ts'
import { exportedFiles } from './exported-files.ts'
import { lastPublication, renderPublication } from './publication.ts'

/** Flags of a run, as the command line gives them. */
export interface RunOptions {
  readonly recipe: string
  readonly input?: string
  readonly stage?: string
  readonly from?: string
  readonly to?: string
  readonly set: readonly string[]
  readonly force: readonly string[]
  readonly update: boolean
  readonly dryRun: boolean
  readonly workDir: string
  /** Where shards run; this machine where it is absent. */
  readonly engine?: string
  readonly engineSet?: readonly string[]
}

/** Exit codes of a run by its outcome. */
const EXIT_CODES: Record<RunOutcome, number> = { done: 0, nothing_to_do: 0, incomplete: 1, interrupted: 130 }

/** `curate --recipe R`: runs or plans the stages of a recipe and gives the exit code. */
export async function runRecipe(options: RunOptions, reporter: Reporter, signal: AbortSignal): Promise<number> {
  const events = collectEnding(reporter)
  const request: RunRequest = {
    loaded: await loadRecipe(options.recipe, options.set, options.input ?? null),
    baseDirectory: resolve(options.workDir),
    stages: selectedStages(options),
    force: options.force.map(stageName),
    update: options.update,
    engine: selectEngine(options.engine, options.engineSet ?? []),
    signal,
    emit: events.emit,
    ask: (question, choices) => askAtTerminal(question, choices, reporter),
  }
  if (options.dryRun) return showPlan(request, reporter)
  const outcome = await run(request)
  await showEnding(request, outcome, events.failures(), reporter)
  return EXIT_CODES[outcome]
}

function collectEnding(reporter: Reporter): { emit: (event: RunEvent) => void; failures: () => number } {
  let failures = 0
  return {
    emit(event) {
      if (event.type === 'shard_failed') failures += 1
      reporter.emit(event)
    },
    failures: () => failures,
  }
}

function selectedStages({ stage, from, to }: RunOptions): StageName[] {
  if (stage === undefined) return stagesInRange(from, to)
  if (from !== undefined || to !== undefined) {
    throw usageError(
      '--stage goes with neither --from nor --to',
      'Use --stage for one stage, --from and --to for several.',
    )
  }
  return [stageName(stage)]
}

function stagesInRange(from: string | undefined, to: string | undefined): StageName[] {
  const names = stagesBetween(from && stageName(from), to && stageName(to))
  if (names.length > 0) return names
  throw usageError(`--from ${from} comes after --to ${to}`, `Stages run in this order: ${STAGE_NAMES.join(', ')}.`)
}

/** A stage by its name on the command line. */
export function stageName(text: string): StageName {
  const name = STAGE_NAMES.find((known) => known === text)
  if (name !== undefined) return name
  const nearest = nearestName(text, STAGE_NAMES)
  const guess = nearest === null ? '' : ` Did you mean \`${nearest}\`?`
  throw usageError(`there is no stage ${text}`, `Stages are: ${STAGE_NAMES.join(', ')}.${guess}`)
}

async function showPlan(request: RunRequest, reporter: Reporter): Promise<number> {
  const plan = await planRun(request)
  const rows = plan.flatMap(({ shards }) =>
    shards.map(({ stage, shard, state, reason }) => [stage, shard, state, reason]),
  )
  reporter.result(renderTable(['stage', 'shard', 'state', 'why'], rows), plan)
  return 0
}

async function showEnding(
  request: RunRequest,
  outcome: RunOutcome,
  failures: number,
  reporter: Reporter,
): Promise<void> {
  const directories = workDirectory(request.baseDirectory, request.loaded.recipe.name)
  const funnel = await readFunnel(directories)
  const files = await exportedFiles(directories)
  const publication = await lastPublication(directories)
  const lines = [
    ...(outcome === 'nothing_to_do' ? [] : [renderFunnel(funnel), '']),
    renderOutcome({ type: 'run_finished', outcome }, failures),
    ...(files.length === 0 || outcome === 'nothing_to_do' ? [] : ['', ...files]),
    ...(outcome === 'nothing_to_do' ? [] : renderPublication(publication)),
  ]
  reporter.result(lines.join('\n'), { outcome, directory: directories.root, funnel, files, publication })
}
