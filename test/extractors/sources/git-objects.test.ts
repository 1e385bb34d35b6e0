import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { listTree } from '../../../extractors/sources/git-objects.ts'
import { makeRepository } from './made-repository.ts'

describe('the tree of a damaged repository', () => {
  test('is listed but for the folders whose lists are gone, which are named', async () => {
    const made = await makeRepository()
    const gone = await made.tree([{ name: 'lost.py', content: 'lost' }])
    const inner = await made.tree([
      { name: 'a', content: gone, kind: 'tree' },
      { name: 'b.py', content: 'b' },
    ])
    const sha = await made.commit([
      { name: 'folder', content: inner, kind: 'tree' },
      { name: 'z.py', content: 'z' },
    ])
    await rm(join(made.directory, 'objects', gone.slice(0, 2), gone.slice(2)))
    const { signal } = new AbortController()
    const files = await listTree({ gitDirectory: made.directory, address: 'kernels', signal }, sha)
    expect(files.map(({ path, special }) => [path, special])).toEqual([
      ['folder/a', 'tree_absent'],
      ['folder/b.py', null],
      ['z.py', null],
    ])
  })
})
