import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { git } from '../../../extractors/sources/git.ts'
import type { Repository } from '../../../extractors/types.ts'
import { silentLog } from '../../../pipelines/core/log.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { KERNEL_FILE, makeRepository } from './made-repository.ts'
import type { MadeRepository } from './made-repository.ts'

const CHANGED = KERNEL_FILE.replace('mask=offsets < n', 'mask=offsets <= n - 1')

describe('the past of a repository', () => {
  test('has the commits of a file, newest first, through its renames, and the file after each', async () => {
    const { made, repository } = await history([
      ['Add copy\n\nOne block is enough.', { 'old.py': KERNEL_FILE }],
      ['Touch another', { 'old.py': KERNEL_FILE, 'other.py': 'x = 1\n' }],
      ['Move and change', { 'new.py': CHANGED, 'other.py': 'x = 1\n' }],
      ['Change', { 'new.py': `${CHANGED}# more\n`, 'other.py': 'x = 1\n' }],
    ])
    const revisions = await repository.past?.revisions('new.py', 10)
    expect(revisions?.map(({ subject, body, path }) => [subject, body, path])).toEqual([
      ['Change', '', 'new.py'],
      ['Move and change', '', 'new.py'],
      ['Add copy', 'One block is enough.', 'old.py'],
    ])
    const texts = await Array.fromAsync(repository.past?.contents(revisions ?? []) ?? [], String)
    expect(texts).toEqual([`${CHANGED}# more\n`, CHANGED, KERNEL_FILE])
    expect(await repository.past?.revisions('new.py', 2)).toHaveLength(2)
    expect(await repository.past?.revisions('gone.py', 2)).toEqual([])
    const first = repository.past?.at(await made.git('rev-list', '--max-parents=0', 'main'))
    expect((await first?.listFiles())?.map(({ path }) => path)).toEqual(['old.py'])
  })

  test('ends where a file was made anew under a name that was free again', async () => {
    const { repository } = await history([
      ['Add', { 'copy.py': KERNEL_FILE }],
      ['Remove', { 'other.py': 'x = 1\n' }],
      ['Add another of that name', { 'copy.py': 'y = 2\n', 'other.py': 'x = 1\n' }],
    ])
    const revisions = await repository.past?.revisions('copy.py', 10)
    expect(revisions?.map(({ subject }) => subject)).toEqual(['Add another of that name'])
  })

  test('is read as far as it goes where contents are missing, as in a partial clone', async () => {
    const { made, repository } = await history([
      ['Add', { 'old.py': KERNEL_FILE, 'gone.py': 'x = 1\n' }],
      ['Move', { 'new.py': KERNEL_FILE, 'fresh.py': 'z = 3\n' }],
    ])
    await removeObject(made, 'HEAD~1:gone.py')
    const revisions = await repository.past?.revisions('new.py', 10)
    expect(revisions?.map(({ path }) => path)).toEqual(['new.py', 'old.py'])
    const contents = repository.past?.contents((revisions ?? []).map((revision) => ({ ...revision, path: 'gone.py' })))
    expect(await Array.fromAsync(contents ?? [])).toEqual([null, null])
  })

  test('is absent where the history was not fetched', async () => {
    const { made } = await history([['Add', { 'copy.py': KERNEL_FILE }]])
    const options = git.options.parse({ url: made.directory })
    const context = { cacheDirectory: await temporaryFolder(), signal: new AbortController().signal, log: silentLog }
    const shallow = await git.open(options, await made.git('rev-parse', 'main'), context)
    expect(shallow.past).toBeUndefined()
  })
})

async function history(
  commits: readonly (readonly [message: string, files: Readonly<Record<string, string>>])[],
): Promise<{ made: MadeRepository; repository: Repository }> {
  const made = await makeRepository()
  let sha = ''
  for (const [message, files] of commits) {
    sha = await made.commit(
      Object.entries(files).map(([name, content]) => ({ name, content })),
      message,
    )
  }
  const options = git.options.parse({ url: made.directory, history: 'full' })
  const context = { cacheDirectory: await temporaryFolder(), signal: new AbortController().signal, log: silentLog }
  return { made, repository: await git.open(options, sha, context) }
}

async function removeObject(made: MadeRepository, name: string): Promise<void> {
  const id = await made.git('rev-parse', name)
  const folder = join(made.directory, 'objects', id.slice(0, 2))
  expect(await readdir(folder)).toContain(id.slice(2))
  await rm(join(folder, id.slice(2)), { force: true })
}
