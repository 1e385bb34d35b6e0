import { resolve } from 'node:path'
import { usageError } from '../../core/errors.ts'
import { loadRecipe } from '../../config/load-recipe.ts'
import type { Reporter } from '../reporter/reporter.ts'

/** Flags of `curate schedule`. */
export interface ScheduleOptions {
  readonly recipe: string
  readonly cron: string
  readonly as: string
  readonly workDir: string
}

/** `curate schedule`: prints what makes a recipe run at fixed times; installs nothing. */
export async function printSchedule(options: ScheduleOptions, reporter: Reporter): Promise<number> {
  const { recipe, path } = await loadRecipe(options.recipe)
  const render = FORMS[options.as]
  if (render === undefined) {
    throw usageError(`--as ${options.as} is not known`, `Use one of: ${Object.keys(FORMS).join(', ')}.`)
  }
  if (!/^(\S+\s+){4}\S+$/.test(options.cron.trim())) {
    throw usageError(
      `--cron "${options.cron}" has not five fields`,
      'For example --cron "0 3 * * 1": Mondays at 03:00.',
    )
  }
  const text = render({ name: recipe.name, path, cron: options.cron.trim(), workDir: resolve(options.workDir) })
  reporter.result(text, { as: options.as, text })
  return 0
}

interface Scheduled {
  readonly name: string
  readonly path: string
  readonly cron: string
  readonly workDir: string
}

const FORMS: Readonly<Record<string, (run: Scheduled) => string>> = { cron: renderCron, github: renderGithub }

// A run that finds nothing new does nothing, and two runs never overlap: the second refuses. So a plain line is enough.
function renderCron({ path, cron, workDir }: Scheduled): string {
  return `${cron} cd ${quote(process.cwd())} && npx curate --recipe ${quote(path)} --work-dir ${quote(workDir)} --update --json >> ${quote(`${workDir}/schedule.jsonl`)} 2>&1`
}

function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function renderGithub({ name, path, cron }: Scheduled): string {
  const recipe = path.startsWith(`${process.cwd()}/`) ? path.slice(process.cwd().length + 1) : path
  return [
    `name: curate ${name}`,
    'on:',
    '  schedule:',
    `    - cron: '${cron}'`,
    '  workflow_dispatch: {}',
    'concurrency:',
    `  group: curate-${name}`,
    'jobs:',
    '  run:',
    '    runs-on: ubuntu-latest',
    '    timeout-minutes: 350',
    '    steps:',
    '      - uses: actions/checkout@v4',
    '      - uses: actions/cache@v4',
    '        with:',
    '          path: work',
    `          key: curate-${name}-\${{ github.run_id }}`,
    `          restore-keys: curate-${name}-`,
    '      - run: npm ci',
    '      - run: npx curate doctor --prepare',
    `      - run: npx curate --recipe ${recipe} --update`,
    '        env:',
    '          HF_TOKEN: ${{ secrets.HF_TOKEN }}',
  ].join('\n')
}
