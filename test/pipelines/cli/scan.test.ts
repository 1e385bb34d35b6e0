import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { silentLog } from '../../../pipelines/core/log.ts'
import { scanRepository } from '../../../pipelines/run/repository-scan.ts'
import { makeRepository } from '../../extractors/sources/made-repository.ts'
import { curate, startCurate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { COMPARING_TEST, DOUBLING_LIBRARY } from '../small-library.ts'

const Line = z.looseObject({ kind: z.enum(['kernel', 'pair', 'summary']) })

const ENTRIES = [
  { name: 'doubling.py', content: DOUBLING_LIBRARY },
  { name: 'test_doubling.py', content: COMPARING_TEST },
]

describe('curate scan', () => {
  test('reads a bare git repository at any of its commits, one JSON line a kernel and a pair, and leaves nothing behind', async () => {
    const repository = await makeRepository()
    const first = await repository.commit(ENTRIES.slice(0, 1))
    const second = await repository.commit(ENTRIES)
    const temporary = await temporaryFolder()
    const newest = await curate(['scan', repository.directory, '--json'], { TMPDIR: temporary })
    expect(newest).toMatchObject({ exitCode: 0, stderr: '' })
    const lines = linesOf(newest.stdout)
    expect(lines.map(({ kind }) => kind)).toEqual(['kernel', 'pair', 'summary'])
    expect(lines[0]).toMatchObject({ language: 'triton', entry_point: 'doubling.py::_double_kernel', start_line: 6 })
    expect(lines[1]).toMatchObject({ kernel: 'doubling.py::_double_kernel', self_contained: true })
    expect(lines[2]).toMatchObject({ commit_sha: second, pairs: 1, kernels: { triton: 1 } })
    const before = await curate(['scan', repository.directory, '--at', first, '--json'], { TMPDIR: temporary })
    expect(linesOf(before.stdout).at(-1)).toMatchObject({ commit_sha: first, pairs: 0, unpaired: { no_test: 1 } })
    expect(await readdir(temporary)).toEqual([])
  }, 60_000)

  test('reads a plain folder and shows people a table', async () => {
    const folder = await temporaryFolder()
    for (const { name, content } of ENTRIES) await writeFile(join(folder, name), content)
    const { exitCode, stdout } = await curate(['scan', folder])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/doubling\.py::_double_kernel:6-9 +.* x \* 2 \(test_doubling\.py:8\)/)
    expect(stdout).toContain('with a reference: 1; pairs: 1, self-contained: 1')
  }, 60_000)

  test('tells how many files it has read, each part to its end', async () => {
    const folder = await temporaryFolder()
    for (const { name, content } of ENTRIES) await writeFile(join(folder, name), content)
    const told: Record<string, [number, number][]> = { mine: [], pair: [] }
    const context = { cacheDirectory: await temporaryFolder(), signal: new AbortController().signal, log: silentLog }
    await scanRepository(folder, null, context, (part, done, total) => told[part]?.push([done, total]))
    for (const steps of Object.values(told)) {
      const done = steps.map(([count]) => count)
      expect(done).toEqual(done.toSorted((a, b) => a - b))
      expect(steps.at(-1)?.[0]).toBe(steps.at(-1)?.[1])
    }
  }, 60_000)

  test('says of a folder without kernels that there is none, and of an address that is nothing what is wrong', async () => {
    const folder = await temporaryFolder()
    expect(await curate(['scan', folder])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('No kernel') })
    const nowhere = await curate(['scan', join(folder, 'none')])
    expect(nowhere.exitCode).toBeGreaterThan(0)
    expect(nowhere.stderr).toContain(join(folder, 'none'))
  }, 60_000)

  test('ends with 130 on Ctrl-C, prints no half result and leaves nothing behind', async () => {
    const [folder, temporary] = [await temporaryFolder(), await temporaryFolder()]
    await mkdir(join(folder, 'tests'))
    await writeFile(join(folder, 'doubling.py'), DOUBLING_LIBRARY)
    for (let at = 0; at < 3000; at += 1) await writeFile(join(folder, 'tests', `test_${at}.py`), COMPARING_TEST)
    const { child, ended } = startCurate(['scan', folder, '--json'], { TMPDIR: temporary })
    while ((await readdir(temporary)).length === 0) await sleep(20)
    child.kill('SIGINT')
    const stopped = await ended
    expect(stopped).toMatchObject({ exitCode: 130, stdout: '' })
    expect(await readdir(temporary)).toEqual([])
  }, 60_000)
})

function linesOf(text: string): z.infer<typeof Line>[] {
  expect(text.endsWith('\n'), 'the last line is whole').toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)))
}
