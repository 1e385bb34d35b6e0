import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../pipelines/core/package-root.ts'
import { runProcess } from '../../pipelines/core/process.ts'
import { installedPackages } from '../../validators/installed-packages.ts'
import { findPython } from '../../validators/python-environment.ts'

const { python } = await findPython()
const pytest = (await installedPackages(python)).get('pytest')
if (pytest === undefined) console.log(`the worker's own tests are skipped: ${python} has no pytest`)

test.skipIf(pytest === undefined)('the worker passes its own tests', { timeout: 300_000 }, async () => {
  const folder = join(packageRoot, 'test', 'validators', 'worker')
  const args = ['-B', '-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider', folder]
  const { ok, stdout, stderr } = await runProcess(python, args, { timeoutMs: 280_000 })
  expect(ok, `${stdout}\n${stderr}`).toBe(true)
})
