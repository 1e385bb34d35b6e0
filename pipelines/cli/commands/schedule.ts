import { relative, resolve, sep } from 'node:path'
import { usageError } from '../../core/errors.ts'
import { bundledRecipes, loadRecipe } from '../../config/load-recipe.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { openTimes } from './run-schedule.ts'

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
  openTimes(options.cron.trim())
  // Where a bundled one lies changes with every installation; its name does not.
  const isBundled = (await bundledRecipes()).has(options.recipe)
  const workDir = resolve(options.workDir)
  const text = render({
    name: recipe.name,
    path: isBundled ? null : path,
    cron: options.cron.trim(),
    workDir,
    named: options.recipe,
  })
  reporter.result(text, { as: options.as, text })
  return 0
}

interface Scheduled {
  readonly name: string
  /** The recipe as the user named it. */
  readonly named: string
  /** The file it is in; null for a bundled one. */
  readonly path: string | null
  readonly cron: string
  readonly workDir: string
}

const FORMS: Readonly<Record<string, (run: Scheduled) => string>> = { cron: renderCron, github: renderGithub }

// A run that finds nothing new does nothing, and two runs never overlap: the second refuses. So a plain line is enough.
function renderCron({ named, path, cron, workDir }: Scheduled): string {
  const [recipe, folder] = [quote(path ?? named), quote(workDir)]
  const command = `npx curate --recipe ${recipe} --work-dir ${folder} --update --json >> ${quote(`${workDir}/schedule.jsonl`)} 2>&1`
  // The shell opens the log before curate makes the folder, and a plain % ends the line for cron.
  return `${cron} ${`cd ${quote(process.cwd())} && mkdir -p ${folder} && ${command}`.replaceAll('%', '\\%')}`
}

function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

// The machine that runs it has what is in the repository, and nothing else.
function insideRepository(path: string, flag: string): string {
  const inside = relative(process.cwd(), path)
  if (inside.split(sep)[0] !== '..') return inside
  throw usageError(
    `${flag} ${path} is not in ${process.cwd()}`,
    'Start it in the root of the repository that holds it.',
  )
}

function renderGithub({ name, named, path, cron, workDir }: Scheduled): string {
  const recipe = quote(path === null ? named : insideRepository(path, '--recipe'))
  const folder = insideRepository(workDir, '--work-dir')
  const flags = folder === 'work' ? '' : ` --work-dir ${quote(folder)}`
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
    `          path: ${folder}`,
    `          key: curate-${name}-\${{ github.run_id }}`,
    `          restore-keys: curate-${name}-`,
    '      - run: npm ci',
    '      - run: npx curate doctor --prepare',
    `      - run: npx curate --recipe ${recipe}${flags} --update`,
    '        env:',
    '          HF_TOKEN: ${{ secrets.HF_TOKEN }}',
  ].join('\n')
}
