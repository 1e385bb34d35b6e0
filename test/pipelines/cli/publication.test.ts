import { join } from 'node:path'
import { expect, test } from 'vitest'
import { curate } from '../../curate-process.ts'
import { startHubServer } from '../../exports/hub-server.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const VALIDATED = join(import.meta.dirname, '..', '..', 'fixtures', 'selection', 'validated.jsonl')

test('a run and its status say where a dataset was published, and that it was not without a token', async () => {
  const server = await startHubServer()
  server.addToken('hf_testtokentesttoken', 'write')
  try {
    const workDir = await temporaryFolder()
    const environment = { HF_TOKEN: '', HF_HOME: await temporaryFolder(), HF_ENDPOINT: server.endpoint }
    const run = [
      '--recipe',
      'concur',
      '--input',
      VALIDATED,
      '--work-dir',
      workDir,
      '--set',
      'publish.repo=acme/kernels',
    ]
    const status = ['status', '--work-dir', workDir]
    for (const args of [run, status]) {
      const { exitCode, stdout } = await curate(args, environment)
      expect(exitCode).toBe(0)
      expect(stdout).toMatch(
        /^not published: a dry run, of \d+ files to change in acme\/kernels at .*\n {2}next: Set HF_TOKEN/m,
      )
    }
    for (const args of [run, status]) {
      const { stdout } = await curate(args, { ...environment, HF_TOKEN: 'hf_testtokentesttoken' })
      expect(stdout).toMatch(new RegExp(`^published: ${server.endpoint}/datasets/acme/kernels at [0-9a-f]{12}$`, 'm'))
    }
  } finally {
    await server.close()
  }
})
