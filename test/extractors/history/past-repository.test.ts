import { describe, expect, test } from 'vitest'
import { pastRepository } from '../../../extractors/history/past-repository.ts'
import { folderRepository } from '../folder-repository.ts'

const THEN = {
  'library/kernels.py': 'then',
  'library/old.py': 'moved since',
  'library/table.py': 'table of then',
  'tests/test_kernels.py': 'test of then',
}
const NOW = {
  'library/kernels.py': 'now',
  'library/new.py': 'moved here',
  'library/table.py': 'table of now',
  'tests/helper.py': 'helper of now',
  'library/kernels_test.py': 'test beside its subject',
  'library/contest.py': 'no test',
}

describe('a past repository', () => {
  test('is the library of then with the tests of today', async () => {
    expect(await filesOf({})).toEqual({
      'library/kernels.py': 'then',
      'library/old.py': 'moved since',
      'library/table.py': 'table of then',
      'library/kernels_test.py': 'test beside its subject',
      'tests/helper.py': 'helper of now',
    })
  })

  test('has files that moved at both places', async () => {
    expect(await filesOf({ moved: new Map([['library/old.py', 'library/new.py']]) })).toMatchObject({
      'library/old.py': 'moved since',
      'library/new.py': 'moved since',
    })
  })

  test('keeps more files of today where it is told to', async () => {
    expect(await filesOf({ keep: ['library/ta*.py'] })).toMatchObject({
      'library/table.py': 'table of now',
      'library/kernels.py': 'then',
    })
  })
})

async function filesOf({
  moved = new Map<string, string>(),
  keep = [],
}: {
  moved?: Map<string, string>
  keep?: string[]
}): Promise<Record<string, string>> {
  const view = pastRepository(await folderRepository(null, THEN), await folderRepository(null, NOW), { moved, keep })
  const paths = ['not/there.py', ...(await view.listFiles()).map(({ path }) => path).toSorted()]
  const read: [string, string][] = []
  for await (const { path, content } of view.readFiles(paths)) read.push([path, content?.toString() ?? ''])
  // In the order asked for: who mines them goes by it.
  expect(read.map(([path]) => path)).toEqual(paths)
  return Object.fromEntries(read.slice(1))
}
