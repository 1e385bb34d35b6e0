import { existsSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder } from '../../../pipelines/core/folder.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

test('a folder is made with those above it, and may be there already', async () => {
  const path = join(await temporaryFolder(), 'a', 'b', 'c')
  await makeFolder(path)
  await makeFolder(path)
  expect((await stat(path)).isDirectory()).toBe(true)
})

test('a file in its place, or above it, is said and left as it is', async () => {
  const file = join(await temporaryFolder(), 'file')
  await writeFile(file, 'kept')
  await expect(makeFolder(file)).rejects.toMatchObject({ code: 'not_a_folder' })
  await expect(makeFolder(join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  expect((await stat(file)).size).toBe(4)
})

// Node's own mkdir never returns here.
test.skipIf(!existsSync('/proc/self'))('a place that takes no folders is named, and not tried for ever', async () => {
  await expect(makeFolder('/proc/curate/work')).rejects.toMatchObject({
    code: 'no_folder_here',
    message: '/proc/curate cannot be made: /proc takes no new folder',
    hint: expect.stringContaining('another folder'),
  })
})
