import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** An empty folder for all tests of a file, removed after the last. */
export async function suiteFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'curate-test-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return folder
}
