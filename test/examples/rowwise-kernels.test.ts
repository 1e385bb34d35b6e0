import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { languages } from '../../extractors/languages/registry.ts'
import { mineRepository } from '../../extractors/mining.ts'
import { commitMessage } from '../../extractors/reasoning/commit-message.ts'
import { examplesDirectory, materializeExample } from '../../extractors/sources/example-repository.ts'
import { example } from '../../extractors/sources/example.ts'
import type { Repository } from '../../extractors/types.ts'
import { silentLog } from '../../pipelines/core/log.ts'
import { enabledPlugins } from '../../pipelines/core/plugin.ts'
import { runProcess } from '../../pipelines/core/process.ts'
import type { Kernel } from '../../pipelines/core/records/kernel.ts'
import { findPython } from '../../validators/python-environment.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { expectedOutcome } from './expected-outcome.ts'

const NAME = 'rowwise-kernels'
const FOLDER = join(examplesDirectory, NAME)
const expected = expectedOutcome(NAME)

describe('the example library', () => {
  test('is at the commit that the expected outcome was written for', async () => {
    const repository = await openExample()
    expect(repository.commitSha).toBe(expected.commit_sha)
  })

  test('holds exactly the kernels of the expected outcome, with their licences', async () => {
    const kernels = await mineExample(await openExample())
    const found = kernels.map(({ entry_point, language, role, license }) => ({ entry_point, language, role, license }))
    const listed = expected.kernels.map(({ entry_point, language, role, license }) => {
      return { entry_point, language, role, license }
    })
    expect(byEntryPoint(found)).toEqual(byEntryPoint(listed))
  })

  test('explains the kernels that the expected outcome says it explains', async () => {
    const repository = await openExample()
    const options = commitMessage.options.parse({})
    const explained = new Map<string, boolean>()
    for (const kernel of await mineExample(repository)) {
      const reasoning = await commitMessage.findReasoning(kernel, repository, options)
      explained.set(kernel.entry_point, reasoning !== null)
    }
    expect(explained).toEqual(new Map(expected.kernels.map(({ entry_point, reasoning }) => [entry_point, reasoning])))
  })

  test('expects a task and a verdict of exactly the kernels that are paired', () => {
    for (const { entry_point, paired, task, method, status, proved_on } of expected.kernels) {
      const verdict = [task, method, status, proved_on].map((value) => value !== null)
      expect({ entry_point, verdict }).toEqual({ entry_point, verdict: verdict.map(() => paired === true) })
    }
  })

  test('passes its own tests', async () => {
    const { python } = await findPython()
    const work = await checkOut()
    // Its C++ operators are compiled by PyTorch, which needs ninja.
    const ninja = await runProcess('ninja', ['--version'])
    const result = await runProcess(
      python,
      ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'tests', 'contrib', ...(ninja.ok ? [] : NATIVE)],
      { cwd: work, env: { TORCH_EXTENSIONS_DIR: join(work, 'build'), CUDA_VISIBLE_DEVICES: '' } },
    )
    expect(result.stdout.split('\n').at(-1)).toMatch(ninja.ok ? /^53 passed, 1 skipped/ : /^47 passed, 1 skipped/)
    const problems = await runProcess(python, ['-B', 'problems/check.py'], { cwd: work })
    expect(problems).toMatchObject({ ok: true, stdout: '1 of 1 problems solved' })
  }, 180_000)

  test('has CUDA code that compiles', async (context) => {
    const version = await runProcess('nvcc', ['--version'])
    if (version.notFound) context.skip('nvcc is not installed')
    const sources = join(FOLDER, 'tree', 'rowwise', 'csrc', 'cuda')
    const files = (await readdir(sources)).filter((file) => file.endsWith('.cu'))
    const work = await temporaryFolder()
    for (const file of files) {
      const args = ['-std=c++17', '-arch=sm_90', '-Werror=all-warnings', '-c', join(sources, file)]
      const result = await runProcess('nvcc', [...args, '-o', join(work, `${file}.o`)])
      expect(result.stderr).toBe('')
    }
    expect(files).toHaveLength(3)
  })
})

const NATIVE = ['--ignore', 'tests/test_cpu.py']

async function openExample(): Promise<Repository> {
  const context = { cacheDirectory: await temporaryFolder(), signal: new AbortController().signal, log: silentLog }
  return example.open({ name: NAME }, await example.resolve({ name: NAME }, context), context)
}

async function mineExample(repository: Repository): Promise<Kernel[]> {
  const options = { source: 'example', include: ['**'], exclude: [], maxFileBytes: 1_000_000, maxFiles: 1000 }
  const wanted = enabledPlugins(languages, { triton: {}, cuda: {}, cpp: {} })
  return (await mineRepository(repository, { ...options, languages: wanted })).kernels
}

async function checkOut(): Promise<string> {
  const work = await temporaryFolder()
  const repository = await materializeExample(FOLDER, await temporaryFolder())
  const cloned = await runProcess('git', ['clone', '--quiet', repository, work])
  expect(cloned.stderr).toBe('')
  return work
}

function byEntryPoint<Row extends { entry_point: string }>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => (a.entry_point < b.entry_point ? -1 : 1))
}
