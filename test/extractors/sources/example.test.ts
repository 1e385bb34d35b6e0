import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exampleNames, examplesDirectory, materializeExample } from '../../../extractors/sources/example-repository.ts'
import { example } from '../../../extractors/sources/example.ts'
import type { SourceContext } from '../../../extractors/types.ts'
import { silentLog } from '../../../pipelines/core/log.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const OPTIONS = { name: 'rowwise-kernels' }
const FOLDER = join(examplesDirectory, OPTIONS.name)

describe('example', () => {
  test('is read like any repository: files, contents, history, no matter where the cache lies', async () => {
    const context = await newContext()
    const commitSha = await example.resolve(OPTIONS, context)
    const repository = await example.open(OPTIONS, commitSha, context)
    expect([repository.name, repository.url]).toEqual(['rowwise-kernels', 'example:rowwise-kernels'])
    const files = await repository.listFiles()
    expect(files.find(({ path }) => path === 'docs/README.md')).toMatchObject({ special: 'symlink' })
    const path = 'rowwise/ops/softmax.py'
    const [softmax] = await Array.fromAsync(repository.readFiles([path]))
    const text = await readFile(join(FOLDER, 'tree', path), 'utf8')
    expect(softmax?.content?.toString()).toBe(text)
    const line = text.split('\n').findIndex((each) => each.startsWith('def _softmax_kernel')) + 1
    const history = await repository.history(path, line, line + 8, 10)
    expect(history.map(({ subject }) => subject)).toEqual([
      'softmax: name the strides after what they stride over',
      'softmax: keep the row in registers instead of reading it three times (#7)',
      'Add vector addition and softmax',
    ])
  })

  test('says what examples there are, and when one belongs to another version of curate', async () => {
    const context = await newContext()
    await expect(example.resolve({ name: 'nothing' }, context)).rejects.toMatchObject({
      code: 'unknown_example',
      hint: expect.stringContaining('rowwise-kernels'),
    })
    await expect(example.open(OPTIONS, '0'.repeat(40), context)).rejects.toMatchObject({
      code: 'commit_gone',
      hint: expect.stringContaining('--update'),
    })
    expect(example.options.safeParse({ name: '../escape' }).success).toBe(false)
  })
})

describe('materializeExample', () => {
  test('gives the same commits whatever git is configured to do', async () => {
    const plain = await commitsOf(await materializeExample(FOLDER, await temporaryFolder()))
    const home = await temporaryFolder()
    const settings =
      '[core]\nautocrlf = true\n[init]\ndefaultBranch = other\n[commit]\ngpgSign = true\n[user]\nname = Other\n'
    await writeFile(join(home, '.gitconfig'), settings)
    const script = `
import { materializeExample } from ${JSON.stringify(join(import.meta.dirname, '../../../extractors/sources/example-repository.ts'))}
process.stdout.write(await materializeExample(${JSON.stringify(FOLDER)}, ${JSON.stringify(join(home, 'cache'))}))
`
    const odd = { HOME: home, GIT_AUTHOR_NAME: 'Other', GIT_DEFAULT_HASH: 'sha256', TZ: 'Asia/Tokyo', GIT_DIR: home }
    const made = await runProcess(process.execPath, ['--input-type=module', '--eval', script], { env: odd })
    expect(made.stderr).toBe('')
    expect(await commitsOf(made.stdout)).toEqual(plain)
    expect(plain).toHaveLength(15)
    expect(new Set(plain.map((line) => line.slice(41)))).toEqual(
      new Set(['curate example <example@example.invalid> curate example <example@example.invalid>']),
    )
  })

  test('ends with the tree as it lies in the folder', async () => {
    const repository = await materializeExample(FOLDER, await temporaryFolder())
    const checkout = await temporaryFolder()
    await git(['clone', '--quiet', repository, checkout])
    const files = async (folder: string) => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
      const own = paths.filter((path) => !/\/\.git\/|__pycache__|\.pytest_cache/.test(path)).sort()
      return Promise.all(own.map(async (path) => [path.slice(folder.length), await readFile(path, 'latin1')]))
    }
    expect(await files(checkout)).toEqual(await files(join(FOLDER, 'tree')))
  })

  test('is made once, and another time when the example changes', async () => {
    const [cache, copy] = [await temporaryFolder(), await temporaryFolder()]
    await cp(FOLDER, copy, { recursive: true })
    const first = await materializeExample(copy, cache)
    await writeFile(join(first, 'marker'), '')
    expect(await materializeExample(copy, cache)).toBe(first)
    expect(await readdir(first)).toContain('marker')
    await writeFile(join(copy, 'tree', 'README.md'), 'changed\n')
    expect(await materializeExample(copy, cache)).not.toBe(first)
    expect(await readdir(join(cache, 'examples'))).toHaveLength(2)
  })

  test('is whole when several make it at once after one that died', async () => {
    const cache = await temporaryFolder()
    const path = await materializeExample(FOLDER, cache)
    await rm(path, { recursive: true })
    await mkdir(`${path}.1-dead.tmp`)
    const made = await Promise.all([1, 2, 3].map(() => materializeExample(FOLDER, cache)))
    expect(new Set(made)).toEqual(new Set([path]))
    expect(await commitsOf(path)).toHaveLength(15)
  })

  test('names the file of an example that is incomplete', async () => {
    const copy = await temporaryFolder()
    await cp(FOLDER, copy, { recursive: true })
    await rm(join(copy, 'tree', 'rowwise', 'LICENSE'))
    await expect(materializeExample(copy, await temporaryFolder())).rejects.toMatchObject({
      code: 'broken_example',
      message: expect.stringContaining('rowwise/LICENSE'),
    })
    await writeFile(join(copy, 'history.yaml'), 'commits: []\n')
    await expect(materializeExample(copy, await temporaryFolder())).rejects.toMatchObject({ code: 'broken_example' })
  })

  test('is found by its history, not by its folder alone', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'no-history'))
    await symlink(FOLDER, join(folder, 'linked'))
    expect(await exampleNames(folder)).toEqual(['linked'])
    expect(await exampleNames()).toContain('rowwise-kernels')
  })
})

async function newContext(): Promise<SourceContext> {
  return { cacheDirectory: await temporaryFolder(), signal: new AbortController().signal, log: silentLog }
}

async function commitsOf(repository: string): Promise<string[]> {
  const format = '--format=%H %an <%ae> %cn <%ce>'
  return (await git(['-C', repository, 'log', format])).split('\n')
}

async function git(args: readonly string[]): Promise<string> {
  const result = await runProcess('git', args)
  expect(result.stderr).toBe('')
  return result.stdout
}
