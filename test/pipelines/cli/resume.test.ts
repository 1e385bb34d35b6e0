import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { curate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { SMALL, contentsOf, finishSmallRun, jsonLines, resultOf, shardsRun } from './small-run.ts'
import type { SmallRun } from './small-run.ts'

const LOOSER = 'filters.conciseness.max_ratio_to_median=1.5'
let small: SmallRun
beforeAll(async () => {
  small = await finishSmallRun()
})
afterAll(() => small.remove())

describe('a run with --json', () => {
  test('prints one event a line, each stage and shard from start to finish, and its result last', () => {
    const lines = jsonLines(small.result.stdout)
    expect(small.result.exitCode).toBe(0)
    expect(lines.at(0)).toMatchObject({ type: 'run_started', recipe: 'small' })
    expect(lines.at(-2)).toEqual({ type: 'run_finished', outcome: 'done' })
    const shards = ['export/all', 'filter/all', 'generate/outputs', 'mine/library', 'pair/library']
    expect(shardsRun(small.result)).toEqual([...shards, 'validate/0000', 'validate/0001'])
    const finished = lines.filter(({ type }) => type === 'shard_finished')
    expect(finished.map(({ stage, shard }) => `${stage}/${shard}`).toSorted()).toEqual(shardsRun(small.result))
    expect(resultOf(small.result)).toMatchObject({
      outcome: 'done',
      funnel: expect.arrayContaining([expect.objectContaining({ stage: 'filter', shards: 1, shardsDone: 1 })]),
      files: expect.arrayContaining([expect.stringMatching(/sft\/train-00000-of-00001\.parquet$/)]),
    })
  })

  test('draws nothing: no bar, no colour, no cursor', () => {
    expect(small.result.stdout).toBe(stripVTControlCharacters(small.result.stdout))
    expect(small.result.stderr).toBe('')
  })

  test('writes the recipe down as it was understood, defaults and overrides included', async () => {
    const workDir = await small.copy()
    await curate(['--recipe', SMALL, '--work-dir', workDir, '--set', LOOSER, '--to', 'mine'])
    const resolved: unknown = parse(await readFile(join(workDir, 'small', 'recipe.resolved.yaml'), 'utf8'))
    expect(resolved).toMatchObject({ seed: 0, filters: { conciseness: { max_ratio_to_median: 1.5 } } })
  })
})

describe('the same recipe again', () => {
  test('has nothing to do and changes no byte of any output', async () => {
    const workDir = await small.copy()
    const again = await curate(['--recipe', SMALL, '--work-dir', workDir])
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Nothing to do/) })
    expect(outputsIn(await contentsOf(workDir))).toEqual(outputsIn(await contentsOf(small.workDir)))
  })

  test('with another threshold runs filter and export again, and with the old one comes back to the same bytes', async () => {
    const workDir = await small.copy()
    const changed = await curate(['--recipe', SMALL, '--work-dir', workDir, '--set', LOOSER, '--json'])
    expect(changed.exitCode).toBe(0)
    expect(shardsRun(changed)).toEqual(['export/all', 'filter/all'])
    expect(rejectionsIn(changed)).toContain('conciseness@2:reasoning_long_for_task')
    expect(rejectionsIn(small.result)).not.toContain('conciseness@2:reasoning_long_for_task')
    const back = await curate(['--recipe', SMALL, '--work-dir', workDir, '--json'])
    expect(shardsRun(back)).toEqual(['export/all', 'filter/all'])
    expect(outputsIn(await contentsOf(workDir))).toEqual(outputsIn(await contentsOf(small.workDir)))
  })

  test('with --force runs that stage again and, its output being the same, no other', async () => {
    const workDir = await small.copy()
    const forced = await curate(['--recipe', SMALL, '--work-dir', workDir, '--force', 'pair', '--json'])
    expect(shardsRun(forced)).toEqual(['pair/library'])
    expect(outputsIn(await contentsOf(workDir))).toEqual(outputsIn(await contentsOf(small.workDir)))
  })

  test('with one stage asked for refuses to run it on inputs that an earlier stage would make differently', async () => {
    const workDir = await small.copy()
    const flags = ['--recipe', SMALL, '--work-dir', workDir, '--set', 'sources.0.exclude=[rowwise/compat/**]']
    const { exitCode, stderr } = await curate([...flags, '--stage', 'filter'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('filter needs pair/library, which is blocked: waits for mine/library')
    expect(stderr).toContain('--to filter')
  })
})

describe('--dry-run', () => {
  test('says why each shard would run and writes nothing', async () => {
    const before = await contentsOf(small.workDir)
    const { exitCode, stdout } = await curate([
      '--recipe',
      SMALL,
      '--work-dir',
      small.workDir,
      '--dry-run',
      '--set',
      LOOSER,
    ])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^validate +0001 +done$/m)
    expect(stdout).toMatch(/^filter +all +stale +its settings in the recipe or the versions of its parts changed$/m)
    expect(stdout).toMatch(/^export +all +blocked +waits for filter\/all$/m)
    expect(await contentsOf(small.workDir)).toEqual(before)
  })

  test('of a run that never was writes nothing either', async () => {
    const workDir = await temporaryFolder()
    const { stdout } = await curate(['--recipe', SMALL, '--work-dir', workDir, '--dry-run'])
    expect(stdout).toMatch(/^mine +library +missing +never finished$/m)
    expect(await contentsOf(workDir)).toEqual({})
  })

  test('names a source that cannot be reached', async () => {
    const sets = ['--set', 'sources.0={id: gone, git: {url: /no/such/repository}}']
    const { stdout } = await curate(['--recipe', SMALL, '--work-dir', await temporaryFolder(), '--dry-run', ...sets])
    expect(stdout).toMatch(/^mine +gone +blocked +its source cannot be reached: \/no\/such\/repository/m)
  })
})

describe('a source that cannot be reached', () => {
  test('fails its own shard with 1, keeps the rest, stays in status, and is gone once it is repaired', async () => {
    const workDir = await small.copy()
    const both =
      'sources=[{id: library, example: {}, include: [rowwise/compat/**, "tests/**"]}, {id: gone, git: {url: /no/such}}]'
    const flags = ['--recipe', SMALL, '--work-dir', workDir, '--to', 'pair']
    const failed = await curate([...flags, '--set', both, '--json'])
    expect(failed.exitCode).toBe(1)
    expect(resultOf(failed)).toMatchObject({ outcome: 'incomplete' })
    expect(jsonLines(failed.stdout)).toContainEqual(
      expect.objectContaining({
        type: 'shard_failed',
        stage: 'mine',
        shard: 'gone',
        error: expect.objectContaining({ hint: expect.any(String) }),
      }),
    )
    expect(shardsRun(failed)).toEqual(['mine/library', 'pair/library'])
    const status = await curate(['status', '--work-dir', workDir])
    expect(status.stdout).toMatch(/^mine +1\/2 /m)
    expect(status.stdout).toMatch(/^failed mine\/gone: .*\n {2}next: /m)
    const repaired = await curate([...flags, '--json'])
    expect(repaired.exitCode).toBe(0)
    expect((await curate(['status', '--work-dir', workDir])).stdout).not.toContain('failed')
  })

  test('fails with 1 and its name when there is no other', async () => {
    const workDir = await temporaryFolder()
    const sets = ['--set', 'sources.0={id: gone, git: {url: /no/such}}', '--set', 'generate.imports=[]']
    const { exitCode, stderr } = await curate(['--recipe', SMALL, '--work-dir', workDir, ...sets])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('mine/gone')
  })
})

function outputsIn(contents: Readonly<Record<string, string>>): Record<string, string> {
  const outputs = Object.entries(contents).filter(
    ([path]) => /^small\/(mine|pair|generate|validate|filter|export)\//.test(path) && !path.endsWith('manifest.json'),
  )
  expect(outputs.length).toBeGreaterThan(10)
  return Object.fromEntries(outputs)
}

function rejectionsIn(result: Parameters<typeof resultOf>[0]): string {
  return JSON.stringify(resultOf(result)['funnel'])
}
