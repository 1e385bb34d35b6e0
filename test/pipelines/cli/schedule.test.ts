import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { curate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const VALIDATED = join(import.meta.dirname, '..', '..', 'fixtures', 'selection', 'validated.jsonl')

/** A recipe that selects from a file beside it. */
async function aRecipe(): Promise<{ recipe: string; input: string; workDir: string }> {
  const folder = await temporaryFolder()
  const [recipe, input] = [join(folder, 'recipe.yaml'), join(folder, 'rows.jsonl')]
  await writeFile(
    recipe,
    'name: nightly\ninput: rows.jsonl\nfilters: { passed: {} }\nexport: { configs: { sft: {} }, formats: { parquet: {} } }\n',
  )
  await copyFile(VALIDATED, input)
  return { recipe, input, workDir: join(folder, 'work') }
}

const linesOf = async (workDir: string): Promise<Record<string, unknown>[]> =>
  (await readFile(join(workDir, 'nightly', 'schedule.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('curate schedule', () => {
  test('prints a line of cron that makes the folder of its log, and whose % are no ends of lines', async () => {
    const { stdout } = await curate(['schedule', '--recipe', 'quickstart', '--work-dir', '/data/100%'])
    expect(stdout).toMatch(
      /^0 3 \* \* \* cd .* && mkdir -p '\/data\/100\\%' && npx curate --recipe quickstart --work-dir /,
    )
  })

  test('prints a workflow that names nothing outside of the repository it runs in', async () => {
    const asGithub = (...flags: string[]) => curate(['schedule', '--as', 'github', ...flags])
    const bundled = await asGithub('--recipe', 'quickstart', '--work-dir', 'runs/nightly')
    expect(parse(bundled.stdout)).toMatchObject({
      jobs: {
        run: {
          steps: expect.arrayContaining([
            expect.objectContaining({ run: 'npx curate --recipe quickstart --work-dir runs/nightly --update' }),
            expect.objectContaining({ with: expect.objectContaining({ path: 'runs/nightly' }) }),
          ]),
        },
      },
    })
    const { recipe, workDir } = await aRecipe()
    for (const flags of [
      ['--recipe', recipe],
      ['--recipe', 'quickstart', '--work-dir', workDir],
    ]) {
      const { exitCode, stderr } = await asGithub(...flags)
      expect(exitCode).toBe(2)
      expect(stderr).toMatch(/is not in .*\n {2}next: .* root of the repository/)
    }
  })
})

describe('curate schedule --run', () => {
  test('runs at the times of the pattern, writes down what came of each run, and does nothing twice', async () => {
    const { recipe, workDir } = await aRecipe()
    const everySecond = ['--cron', '* * * * * *', '--times', '2', '--now']
    const { exitCode, stdout } = await curate([
      'schedule',
      '--run',
      '--recipe',
      recipe,
      '--work-dir',
      workDir,
      ...everySecond,
    ])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('Nothing to do')
    expect(await linesOf(workDir)).toMatchObject([
      { exit_code: 0, outcome: 'done', error: null, selected: 2, report: join(workDir, 'nightly', 'report.html') },
      { exit_code: 0, outcome: 'done', selected: 2 },
    ])
    expect(JSON.parse(await readFile(join(workDir, 'nightly', 'last-run.json'), 'utf8'))).toEqual(
      (await linesOf(workDir))[1],
    )
  })

  test('goes on after a run that fails, and says so in its exit code', async () => {
    const { recipe, input, workDir } = await aRecipe()
    await writeFile(input, '')
    await writeFile(recipe, (await readFile(recipe, 'utf8')).replace('rows.jsonl', 'absent.jsonl'))
    const everySecond = ['--cron', '* * * * * *', '--times', '2', '--now']
    const { exitCode, stderr } = await curate([
      'schedule',
      '--run',
      '--recipe',
      recipe,
      '--work-dir',
      workDir,
      ...everySecond,
    ])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('absent.jsonl')
    expect(await linesOf(workDir)).toMatchObject([
      { exit_code: 1, outcome: 'missing_import', report: null },
      { exit_code: 1, outcome: 'missing_import' },
    ])
  })

  test.each([
    ['a pattern that is none', ['--cron', 'whenever'], /--cron "whenever"/],
    ['no number of runs', ['--times', 'many'], /--times takes a whole number/],
  ])('refuses %s', async (_case, flags, pattern) => {
    const { recipe, workDir } = await aRecipe()
    const { exitCode, stderr } = await curate([
      'schedule',
      '--run',
      '--recipe',
      recipe,
      '--work-dir',
      workDir,
      ...flags,
    ])
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(pattern)
  })
})
