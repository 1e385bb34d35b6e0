import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { curate, startCurate } from '../../curate-process.ts'
import { startHubServer } from '../../exports/hub-server.ts'
import type { HubServer } from '../../exports/hub-server.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const VALIDATED = join(import.meta.dirname, '..', '..', 'fixtures', 'selection', 'validated.jsonl')
const REPO = 'acme/selected'
const TOKEN = 'hf_killedtesttoken'

let server: HubServer
beforeEach(async () => {
  server = await startHubServer()
  server.addToken(TOKEN, 'write')
})
afterEach(() => server.close())

const uploads = (): string[] => server.requests.filter((request) => request.startsWith('PUT /lfs/'))

describe('publishing that is killed', () => {
  test.each([
    ['after the first large file', 'PUT', /^\/lfs\//],
    ['while the list of large files is answered', 'POST', /objects\/batch$/],
    ['right after the commit', 'POST', /\/commit\//],
  ])('%s ends as one that nobody disturbed, and sends no file twice', async (_case, method, path) => {
    const workDir = await temporaryFolder()
    const publish = [`publish.repo=${REPO}`, `publish.endpoint=${server.endpoint}`].flatMap((set) => ['--set', set])
    const args = ['--recipe', 'concur', '--input', VALIDATED, '--work-dir', workDir, ...publish]
    const environment = { HF_TOKEN: TOKEN, HF_ENDPOINT: '' }
    const killed = startCurate(args, environment)
    server.afterNext(method, path, () => killed.child.kill('SIGKILL'))
    expect((await killed.ended).signal).toBe('SIGKILL')
    const again = await curate(args, environment)
    expect([again.exitCode, again.stderr.includes('error')]).toEqual([0, false])
    const remote = server.download(REPO)
    remote.delete('.gitattributes')
    const dataset = join(workDir, 'concur', 'export', 'all', 'dataset')
    expect(remote.size).toBeGreaterThan(8)
    for (const [name, content] of remote) expect(content.equals(await readFile(join(dataset, name))), name).toBe(true)
    expect(server.history(REPO)).toHaveLength(2)
    const sent = uploads().map((request) => request.split('?')[0])
    // One more at most: an upload whose answer the killed one never saw.
    expect(sent.length - new Set(sent).size).toBeLessThanOrEqual(1)
  })
})
