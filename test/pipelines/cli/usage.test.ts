import { readFileSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageVersion } from '../../../pipelines/core/package-root.ts'
import { curate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { suiteFolder } from '../../validators/suite-folder.ts'
import { SMALL, contentsOf, jsonLines } from './small-run.ts'

const WRONG = join(import.meta.dirname, '..', '..', 'fixtures', 'recipes', 'wrong')

const NO_RUN = await suiteFolder()

describe('wrong usage exits with 2 and says what is meant:', () => {
  test.each<[string, string[], RegExp[]]>([
    ['an unknown flag', ['--recipe', SMALL, '--dry-rum'], [/unknown option '--dry-rum'/, /Did you mean --dry-run\?/]],
    ['an unknown command', ['statsu'], [/there is no command statsu/, /Did you mean `status`\?/, /, shard, help\./]],
    ['help on an unknown command', ['help', 'statsu'], [/there is no command statsu/, /Did you mean `status`\?/]],
    ['a missing argument', ['inspect'], [/missing required argument 'id'/, /`curate inspect --help`/]],
    ['a missing flag', ['schedule'], [/required option '--recipe <file>'/, /`curate schedule --help`/]],
    ['an unknown bundled recipe', ['--recipe', 'quickstrt'], [/there is no recipe quickstrt/, /`quickstart`\?/]],
    [
      'a file that the recipe imports and nobody has',
      ['--recipe', 'concur', '--dry-run'],
      [/reads .*dataset_permissive\.parquet/, /--set generate\.imports\.0\.path=\$PWD/],
    ],
    [
      'an input that is not there',
      ['--recipe', 'concur', '--input', 'absent.parquet', '--dry-run'],
      [/reads .*absent\.parquet/, /--input FILE/],
    ],
    ['an unknown stage', ['--recipe', SMALL, '--stage', 'filtre'], [/no stage filtre/, /Did you mean `filter`\?/]],
    ['an unknown stage to force', ['--recipe', SMALL, '--force', 'minne'], [/no stage minne/, /`mine`\?/]],
    ['an empty range of stages', ['--recipe', SMALL, '--from', 'filter', '--to', 'mine'], [/after --to mine/]],
    [
      'a stage that the recipe leaves out',
      ['--recipe', 'quickstart', '--stage', 'publish', '--dry-run'],
      [/recipe quickstart says nothing for publish/, /quickstart\.yaml needs `publish`/],
    ],
    [
      'a plan of a stage that the recipe leaves out',
      ['plan', '--recipe', 'quickstart', '--stage', 'publish', '--work-dir', NO_RUN],
      [/says nothing for publish/],
    ],
    [
      'a plan of a stage before its inputs are there',
      ['plan', '--recipe', 'quickstart', '--stage', 'filter', '--work-dir', NO_RUN],
      [/filter needs /, /`curate --recipe \S+quickstart\.yaml --to filter`/],
    ],
    ['one stage and a range', ['--recipe', SMALL, '--stage', 'mine', '--to', 'pair'], [/neither --from nor --to/]],
    ['an unknown engine', ['--recipe', SMALL, '--engine', 'slurm'], [/'slurm' is invalid/, /local/]],
    ['a --set that names nothing', ['--recipe', SMALL, '--set', 'filters'], [/expected key\.path=value/]],
    ['a flag of runs before a command', ['--recipe', SMALL, 'status'], [/--recipe is not for `curate status`/]],
    ['no command at all', [], [/no recipe and no command/, /curate quickstart/]],
    ['a record id that is none', ['inspect', 'softmax'], [/softmax is no record id/, /16 hexadecimal/]],
    ['an unknown form of schedule', ['schedule', '--recipe', SMALL, '--as', 'systemd'], [/cron, github/]],
    ['a wrong time of schedule', ['schedule', '--recipe', SMALL, '--cron', '0 3'], [/five fields/]],
    ['a minute that is none', ['schedule', '--recipe', SMALL, '--cron', '99 3 * * *'], [/minute: 99/]],
  ])('%s', async (_case, args, patterns) => {
    const { exitCode, stdout, stderr } = await curate(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    for (const pattern of patterns) expect(stderr).toMatch(pattern)
    expect(stderr).not.toMatch(/^\s+at /m)
  })
})

describe('a wrong recipe', () => {
  const cases = readdirSync(WRONG).filter((file) => ['unknown-option.yaml', 'not-yaml.yaml'].includes(file))

  test.each(cases)('%s exits with 2 and its whole message, and leaves no trace', async (file) => {
    const workDir = await temporaryFolder()
    const path = join(WRONG, file)
    const { exitCode, stderr } = await curate(['--recipe', path, '--work-dir', workDir])
    const [mistakes = '', hint = ''] = readFileSync(path.replace('.yaml', '.txt'), 'utf8')
      .trimEnd()
      .split(/\n(?=.*$)/)
    expect(exitCode).toBe(2)
    expect(stderr.replaceAll(`${WRONG}/`, '')).toBe(`error bad_recipe: ${mistakes}\n  next: ${hint}\n`)
    expect(await contentsOf(workDir)).toEqual({})
  })

  test('of binary bytes is no YAML', async () => {
    const path = join(await temporaryFolder(), 'recipe.yaml')
    await writeFile(path, Buffer.from([0x50, 0x41, 0x52, 0x31, 0xff, 0xfe, 0x00]))
    const { exitCode, stderr } = await curate(['--recipe', path])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`${path}: not a recipe: it is not UTF-8 text`)
  })

  test('is one JSON object on standard output with --json, and text for people on standard error', async () => {
    const args = ['--recipe', SMALL, '--set', 'filters.conciseness.max_ratio=2', '--json']
    const { exitCode, stdout, stderr } = await curate(args)
    expect(exitCode).toBe(2)
    expect(jsonLines(stdout)).toMatchObject([
      { type: 'error', error: { code: 'bad_recipe', message: expect.stringContaining('max_ratio_to_median') } },
    ])
    expect(stderr).toContain('--set filters.conciseness.max_ratio=2')
  })
})

test('help and version go to standard output and exit with 0', async () => {
  const help = await curate(['--help'])
  expect(help).toMatchObject({ exitCode: 0, stderr: '' })
  for (const word of ['quickstart', 'inspect', '--dry-run', '--work-dir']) expect(help.stdout).toContain(word)
  expect(await curate(['--version'])).toMatchObject({ exitCode: 0, stdout: `${packageVersion}\n` })
  expect(await curate(['help', 'inspect'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^Usage: curate inspect/),
  })
})
