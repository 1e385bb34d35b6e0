import { chmod, cp, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runProcess } from '../../../pipelines/core/process.ts'
import { curate } from '../../curate-process.ts'
import type { CurateResult } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { SMALL, contentsOf, jsonLines, shardsRun } from './small-run.ts'

// Mining and pairing only: nothing here depends on what a validator says.
const FLAGS = ['--recipe', SMALL, '--to', 'pair', '--json']
let finished = ''
beforeAll(async () => {
  finished = await mkdtemp(join(tmpdir(), 'curate-damage-'))
  expect(await curate([...FLAGS, '--work-dir', finished])).toMatchObject({ exitCode: 0 })
})
afterAll(() => rm(finished, { recursive: true, force: true }))

describe('a shard that was damaged after it was finished', () => {
  test.each<[string, (file: string) => Promise<void>]>([
    ['truncated', async (file) => truncate(file, (await stat(file)).size - 100)],
    ['empty', (file) => writeFile(file, '')],
    ['gone', (file) => rm(file)],
    ['a foreign Parquet file', (file) => cp(file.replace('kernels', 'rejects'), file)],
  ])('and is %s is named in the plan and made again, with the same bytes', async (_case, damage) => {
    const workDir = await copyOfFinished()
    await damage(join(workDir, 'small', 'mine', 'library', 'kernels.parquet'))
    const plan = await curate(['--recipe', SMALL, '--to', 'pair', '--work-dir', workDir, '--dry-run'])
    expect(plan.stdout).toMatch(/^mine +library +stale +kernels\.parquet is gone or was changed$/m)
    const again = await curate([...FLAGS, '--work-dir', workDir])
    expect(again.exitCode).toBe(0)
    expect(shardsRun(again)).toEqual(['mine/library'])
    expect(await tablesIn(workDir)).toEqual(await tablesIn(finished))
  })

  test('without a change in size is refused by the stage that reads it, which says what to delete', async () => {
    const workDir = await copyOfFinished()
    const file = join(workDir, 'small', 'mine', 'library', 'kernels.parquet')
    const bytes = await readFile(file)
    bytes.writeUInt8(bytes.readUInt8(200) ^ 0xff, 200)
    await writeFile(file, bytes)
    const refused = await curate([...FLAGS, '--work-dir', workDir, '--force', 'pair'])
    expect(refused.exitCode).toBe(1)
    expect(failuresIn(refused)).toMatchObject([{ stage: 'pair', error: { code: 'shard_corrupt', hint: /Delete it/ } }])
    expect(JSON.stringify(failuresIn(refused))).toContain(file)
    await rm(file)
    expect(await curate([...FLAGS, '--work-dir', workDir])).toMatchObject({ exitCode: 0 })
    expect(await tablesIn(workDir)).toEqual(await tablesIn(finished))
  })

  test('with a manifest that is none runs again', async () => {
    const workDir = await copyOfFinished()
    await writeFile(join(workDir, 'small', 'mine', 'library', 'manifest.json'), '{"format_version": 1, "stage"')
    await writeFile(join(workDir, 'small', 'pair', 'library', 'manifest.json'), '{"format_version": 7}')
    const again = await curate([...FLAGS, '--work-dir', workDir])
    expect(again.exitCode).toBe(0)
    expect(shardsRun(again)).toEqual(['mine/library', 'pair/library'])
    expect(await tablesIn(workDir)).toEqual(await tablesIn(finished))
  })

  test('is named by the commands that read it', async () => {
    const workDir = await copyOfFinished()
    const file = join(workDir, 'small', 'pair', 'library', 'tasks.parquet')
    await truncate(file, 30)
    const { exitCode, stderr } = await curate(['report', '--work-dir', workDir])
    expect(exitCode).toBe(1)
    expect(stderr).toContain(`${file} is not a readable Parquet file`)
    expect(stderr).toContain('run the same command again')
    expect(await curate(['status', '--work-dir', workDir])).toMatchObject({ exitCode: 0, stderr: '' })
  })
})

describe('files of the work directory that are no JSON', () => {
  test('are made anew: the list of commits, the plan', async () => {
    const workDir = await copyOfFinished()
    for (const name of ['sources.lock.json', 'plan.json']) await writeFile(join(workDir, 'small', name), '{"library": ')
    expect(await curate([...FLAGS, '--work-dir', workDir])).toMatchObject({ exitCode: 0, stderr: '' })
    for (const name of ['sources.lock.json', 'plan.json']) {
      expect(await readFile(join(workDir, 'small', name), 'utf8')).toBe(
        await readFile(join(finished, 'small', name), 'utf8'),
      )
    }
  })
})

describe('a disk that is full', () => {
  test('fails the shard by name, keeps what is done, and goes on when there is room', async (context) => {
    const workDir = await temporaryFolder()
    const mounted = await runProcess('mount', ['-t', 'tmpfs', '-o', 'size=700k', 'tmpfs', workDir])
    if (!mounted.ok) context.skip(`no file system can be mounted here: ${mounted.stderr}`)
    try {
      expect(await curate([...FLAGS, '--to', 'mine', '--work-dir', workDir])).toMatchObject({ exitCode: 0 })
      await runProcess('dd', ['if=/dev/zero', `of=${join(workDir, 'ballast')}`, 'bs=1k'])
      const full = await curate([...FLAGS, '--work-dir', workDir, '--force', 'mine'])
      expect(full.exitCode).toBe(1)
      expect(full.stderr + full.stdout).toContain('disk_full')
      expect(full.stderr + full.stdout).toContain('Free some disk space')
      await rm(join(workDir, 'ballast'))
      expect(await curate([...FLAGS, '--work-dir', workDir])).toMatchObject({ exitCode: 0, stderr: '' })
      expect(await tablesIn(workDir)).toEqual(await tablesIn(finished))
    } finally {
      await runProcess('umount', [workDir])
    }
  })
})

describe('a work directory', () => {
  test('that is a file is named, with what to do', async () => {
    const file = join(await temporaryFolder(), 'work')
    await writeFile(file, '')
    for (const args of [
      [...FLAGS, '--work-dir', file],
      ['status', '--work-dir', file],
    ]) {
      const { exitCode, stderr } = await curate(args)
      expect(exitCode).toBe(2)
      expect(stderr).toMatch(/^error not_a_folder: .*work'?.*\n {2}next: .*--work-dir/)
    }
  })

  test('whose name is too long is named, with what to do', async () => {
    const { exitCode, stderr } = await curate([...FLAGS, '--work-dir', join(await temporaryFolder(), 'n'.repeat(300))])
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/^error name_too_long: .*nnn.*\n {2}next: .*shorten/)
  })

  test('that may not be written to is named, with what to do', async (context) => {
    const folder = await temporaryFolder()
    await chmod(folder, 0o500)
    const writable = await writeFile(join(folder, 'probe'), '').then(
      () => true,
      () => false,
    )
    // A superuser writes anywhere except where the file system itself refuses.
    const target = writable ? '/sys/curate-test' : folder
    if (writable && process.platform !== 'linux') context.skip('a superuser may write everywhere')
    const { exitCode, stderr } = await curate([...FLAGS, '--work-dir', target])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^error permission_denied: .*\n {2}next: /)
    expect(stderr).toContain(target)
  })
})

async function copyOfFinished(): Promise<string> {
  const folder = join(await temporaryFolder(), 'work')
  await cp(finished, folder, { recursive: true })
  return folder
}

async function tablesIn(workDir: string): Promise<Record<string, string>> {
  const tables = Object.entries(await contentsOf(workDir)).filter(([path]) => path.endsWith('.parquet'))
  expect(tables.length).toBeGreaterThan(4)
  return Object.fromEntries(tables)
}

function failuresIn({ stdout }: CurateResult) {
  return jsonLines(stdout).filter(({ type }) => type === 'shard_failed')
}
