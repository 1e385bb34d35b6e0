import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { gitFailure } from '../../../extractors/sources/git-failure.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

test('what git says of a file is that there is no repository, which no second try changes', async () => {
  const address = join(await temporaryFolder(), 'kernels.py')
  await writeFile(address, 'print(1)\n')
  const { ok, stderr } = await runProcess('git', ['ls-remote', address])
  expect(ok).toBe(false)
  expect(gitFailure(stderr, address)).toMatchObject({
    code: 'repository_not_found',
    message: expect.stringContaining(address),
    retryable: false,
  })
})
