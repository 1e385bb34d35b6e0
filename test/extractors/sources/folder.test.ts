import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folder } from '../../../extractors/sources/folder.ts'
import { silentLog } from '../../../pipelines/core/log.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { KERNEL_FILE } from './made-repository.ts'

describe('a folder', () => {
  test('gives its files, without what git keeps and without following a link', async () => {
    const { path, open } = await madeFolder()
    const repository = await open()
    expect((await repository.listFiles()).map((file) => [file.path, file.numBytes, file.special])).toEqual([
      ['a/copy.py', Buffer.byteLength(KERNEL_FILE), null],
      ['b.txt', 4, null],
      ['link.py', '/etc/passwd'.length, 'symlink'],
      ['outside', '/etc'.length, 'symlink'],
      ['pipe.py', 0, 'special_file'],
    ])
    const contents: unknown[] = []
    const paths = ['a/copy.py', 'link.py', 'pipe.py', 'outside/passwd', '../secret', 'missing']
    for await (const { content } of repository.readFiles(paths)) contents.push(content?.toString() ?? null)
    expect(contents).toEqual([KERNEL_FILE, null, null, null, null, null])
    expect(repository).toMatchObject({ name: basename(path), url: path })
    expect(await repository.history('a/copy.py', 1, 2, 3)).toEqual([])
  })

  test('has a commit that its files and nothing else make', async () => {
    const { path, resolve } = await madeFolder()
    const before = await resolve()
    expect(before).toMatch(/^[0-9a-f]{40}$/)
    await utimes(join(path, 'b.txt'), 0, 0)
    expect(await resolve()).toBe(before)
    const seen = new Set([before])
    await writeFile(join(path, 'b.txt'), 'more')
    seen.add(await resolve())
    await rename(join(path, 'b.txt'), join(path, 'c.txt'))
    seen.add(await resolve())
    await rm(join(path, 'outside'))
    seen.add(await resolve())
    expect(seen.size).toBe(4)
  })

  test('that changed since it was resolved is not taken for what it was', async () => {
    const { path, open } = await madeFolder()
    const { commitSha: sha } = await open()
    await writeFile(join(path, 'new.py'), '')
    await expect(open(sha)).rejects.toMatchObject({ code: 'folder_changed' })
  })

  test('that is not there, or is a file, is an error that names it', async () => {
    const { path } = await madeFolder()
    for (const missing of [join(path, 'nowhere'), join(path, 'b.txt')]) {
      const found = folder.resolve({ path: missing }, await context())
      await expect(found).rejects.toMatchObject({ code: 'folder_not_found', message: expect.stringContaining(missing) })
    }
  })
})

async function madeFolder() {
  const path = await temporaryFolder()
  await mkdir(join(path, 'a'))
  await mkdir(join(path, '.git'))
  await writeFile(join(path, '.git', 'config'), 'x')
  await writeFile(join(path, 'a', 'copy.py'), KERNEL_FILE)
  await writeFile(join(path, 'b.txt'), 'text')
  await symlink('/etc/passwd', join(path, 'link.py'))
  await symlink('/etc', join(path, 'outside'))
  await runProcess('mkfifo', [join(path, 'pipe.py')])
  const resolve = async () => folder.resolve({ path }, await context())
  return {
    path,
    resolve,
    open: async (sha?: string) => folder.open({ path }, sha ?? (await resolve()), await context()),
  }
}

async function context() {
  return { cacheDirectory: await temporaryFolder(), signal: new AbortController().signal, log: silentLog }
}
