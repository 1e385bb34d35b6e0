import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { TEMPORARY_SUFFIX } from '../../../pipelines/core/atomic-file.ts'
import { countOrphans, printed } from '../../crash-trial.ts'
import { curate, startCurate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { SMALL, contentsOf, jsonLines, resultOf, shardsRun } from './small-run.ts'

describe('Ctrl-C', () => {
  test('in the middle of a shard exits with 130, leaves nothing half done, and the next run goes on', async () => {
    const workDir = await temporaryFolder()
    const flags = ['--recipe', SMALL, '--work-dir', workDir, '--json', '--to', 'validate']
    const { child, ended } = startCurate(flags)
    await printed(child, '"type":"shard_started","stage":"validate"')
    child.kill('SIGINT')
    const stopped = await ended
    expect(stopped.exitCode).toBe(130)
    expect(stopped.stderr).toContain('Finished shards are kept')
    expect(jsonLines(stopped.stdout).filter(({ type }) => type === 'shard_failed')).toEqual([])
    expect(await countOrphans(workDir)).toBe(0)
    const left = Object.keys(await contentsOf(workDir))
    expect(
      left.filter((path) => path.endsWith(TEMPORARY_SUFFIX) || /run\.lock|failures\/|attempts\//.test(path)),
    ).toEqual([])
    const next = await curate([...flags, '--to', 'validate'])
    expect(next.exitCode).toBe(0)
    expect(shardsRun(next).filter((shard) => !shard.startsWith('validate/'))).toEqual([])
    expect(shardsRun(next)).toContain('validate/0001')
  }, 120_000)

  test('after a polite request to end, which counts as the first, ends the process at once', async () => {
    const workDir = await temporaryFolder()
    const { child, ended } = startCurate(['--recipe', SMALL, '--work-dir', workDir, '--json', '--to', 'validate'])
    await printed(child, '"type":"shard_started","stage":"validate"')
    child.kill('SIGTERM')
    await sleep(600)
    child.kill('SIGINT')
    expect((await ended).exitCode).toBe(130)
    expect(await countOrphans(workDir)).toBe(0)
  }, 120_000)
})

describe('the lock of a work directory', () => {
  test('refuses a second run and names the first; reading commands still work', async () => {
    const workDir = await temporaryFolder()
    const flags = ['--recipe', SMALL, '--work-dir', workDir, '--json', '--to', 'validate']
    const first = startCurate(flags)
    await printed(first.child, '"stage":"pair"')
    const second = await curate(flags)
    expect(second.exitCode).toBe(1)
    expect(second.stderr).toContain(`work_directory_busy: process ${first.child.pid} on ${hostname()}`)
    expect(second.stderr).toContain('--work-dir')
    expect(await curate(['status', '--work-dir', workDir])).toMatchObject({ exitCode: 0 })
    first.child.kill('SIGINT')
    expect((await first.ended).exitCode).toBe(130)
    expect(existsSync(join(workDir, 'small', 'run.lock'))).toBe(false)
  }, 120_000)

  test('is taken over when its process is dead, or when it is no lock at all', async () => {
    const workDir = await temporaryFolder()
    const lock = join(workDir, 'small', 'run.lock')
    const flags = ['--recipe', SMALL, '--work-dir', workDir, '--json', '--to', 'mine']
    const killed = startCurate([...flags, '--to', 'validate'])
    await printed(killed.child, '"stage":"pair"')
    killed.child.kill('SIGKILL')
    await killed.ended
    expect(JSON.parse(await readFile(lock, 'utf8'))).toMatchObject({ pid: killed.child.pid })
    expect(await curate(flags)).toMatchObject({ exitCode: 0, stderr: '' })
    await mkdir(join(workDir, 'small'), { recursive: true })
    await writeFile(lock, '{"pid": 12')
    const next = await curate(flags)
    expect(next).toMatchObject({ exitCode: 0, stderr: '' })
    expect(resultOf(next)).toMatchObject({ outcome: 'nothing_to_do' })
  }, 120_000)
})
