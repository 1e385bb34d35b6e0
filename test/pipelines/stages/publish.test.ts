import { appendFile, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { publications, publishedFiles } from '../../../pipelines/core/records/publication.ts'
import type { ShardKey, World } from '../../../pipelines/core/stage.ts'
import { publishStage } from '../../../pipelines/stages/publish.ts'
import { startHubServer } from '../../exports/hub-server.ts'
import type { HubServer } from '../../exports/hub-server.ts'
import { exportOf, useExportRuns } from './export-run.ts'
import { COMMIT } from './stage-run.ts'

const PUBLISH: ShardKey = { stage: 'publish', shard: 'all' }
const REPO = 'acme/kernels'
const TOKEN = 'hf_stagetesttoken'

const runs = useExportRuns()
let server: HubServer

beforeEach(async () => {
  server = await startHubServer()
  server.addToken(TOKEN, 'write')
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_ENDPOINT']) vi.stubEnv(name, '')
  vi.stubEnv('HF_HOME', runs.directory)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await server.close()
})

function publishing(options: object = {}) {
  return { publish: { repo: REPO, endpoint: server.endpoint, ...options } }
}

/** What `settleWorld` says where a token is set. */
function withToken(): Partial<World> {
  vi.stubEnv('HF_TOKEN', TOKEN)
  return { hub: { hasToken: true, endpoint: null } }
}

describe('the stage publish', () => {
  it('puts what export wrote on the Hub, byte for byte, and records it', async () => {
    const run = runs.open(publishing(), 'run', withToken())
    const dataset = await exportOf(run)
    await run.run(publishStage)
    const remote = server.download(REPO)
    remote.delete('.gitattributes')
    for (const [path, content] of remote) expect(content.equals(await readFile(join(dataset, path)))).toBe(true)
    const files = await run.read(publishedFiles, PUBLISH)
    expect(files.map(({ path }) => path).toSorted()).toEqual([...remote.keys()].toSorted())
    expect(files.every(({ action }) => action === 'add')).toBe(true)
    expect(await run.read(publications, PUBLISH)).toMatchObject([
      {
        repo: REPO,
        endpoint: server.endpoint,
        dry_run: false,
        commit_oid: server.repositories.get(REPO)?.branches.get('main'),
        num_added: files.length,
        num_bytes: files.reduce((sum, { num_bytes }) => sum + num_bytes, 0),
      },
    ])
  })

  it('writes the token nowhere', async () => {
    const run = runs.open(publishing(), 'run', withToken())
    await exportOf(run)
    await run.run(publishStage)
    const entries = await readdir(runs.directory, { recursive: true, withFileTypes: true })
    for (const entry of entries.filter((each) => each.isFile())) {
      const content = await readFile(join(entry.parentPath, entry.name))
      expect([entry.name, content.includes(TOKEN)]).toEqual([entry.name, false])
    }
  })

  it('only plans where there is no token, and asks nobody', async () => {
    const run = runs.open(publishing())
    await exportOf(run)
    await run.run(publishStage)
    expect(server.requests).toEqual([])
    expect(await run.read(publications, PUBLISH)).toMatchObject([{ dry_run: true, commit_oid: null, num_deleted: 0 }])
    const files = await run.read(publishedFiles, PUBLISH)
    expect(files.every(({ action, num_bytes }) => action === 'add' && num_bytes > 0)).toBe(true)
  })

  it('only plans where the recipe says so, against what is there', async () => {
    const run = runs.open(publishing({ dry_run: true }), 'run', withToken())
    await exportOf(run)
    await run.run(publishStage)
    expect(server.repositories.size).toBe(0)
    expect(server.requests).toContain('GET /api/whoami-v2')
  })

  it('asks for a token where the recipe insists on publishing', async () => {
    const run = runs.open(publishing({ dry_run: false }))
    await exportOf(run)
    await expect(run.run(publishStage)).rejects.toMatchObject({ code: 'hub_token_missing' })
  })

  it('sends the token to no stranger a recipe names', async () => {
    const run = runs.open(publishing({ endpoint: 'https://hub.example.org' }), 'run', withToken())
    await exportOf(run)
    await expect(run.run(publishStage)).rejects.toMatchObject({ code: 'untrusted_endpoint' })
  })

  it('publishes no part of a dataset for the whole, unless the recipe allows it', async () => {
    const sources = ['example', 'gone'].map((id) => ({ id, git: { url: `https://example.org/acme/${id}.git` } }))
    const world = new Map([
      ['example', COMMIT],
      ['gone', null],
    ])
    const facts = { ...withToken(), sources: world }
    const run = runs.open({ ...publishing(), sources }, 'run', facts)
    await exportOf(run)
    await expect(run.run(publishStage)).rejects.toMatchObject({
      code: 'partial_dataset',
      message: expect.stringContaining('pair/gone'),
      hint: expect.stringContaining('allow_partial'),
    })
    const allowed = runs.open({ ...publishing({ allow_partial: true }), sources }, 'run', facts)
    await allowed.run(publishStage)
    expect(server.download(REPO).has('README.md')).toBe(true)
  })

  it('publishes no file that was changed after export', async () => {
    const run = runs.open(publishing(), 'run', withToken())
    const dataset = await exportOf(run)
    await appendFile(join(dataset, 'README.md'), 'not ours')
    await expect(run.run(publishStage)).rejects.toMatchObject({
      code: 'shard_corrupt',
      message: expect.stringContaining('README.md'),
    })
    expect(server.repositories.size).toBe(0)
  })

  it('is no part of a run whose recipe publishes nowhere', () => {
    expect(runs.open().plan(publishStage)).toEqual([])
  })

  it('runs again when a token appears or the place changes', () => {
    const specOf = (options: object, facts: Partial<World> = {}) => {
      const [spec] = runs.open(publishing(options), 'run', facts).plan(publishStage)
      return { config: spec?.config, external: spec?.external }
    }
    expect(specOf({})).toEqual(specOf({ allow_partial: true }))
    expect(specOf({})).not.toEqual(specOf({}, { hub: { hasToken: true, endpoint: null } }))
    expect(specOf({})).not.toEqual(specOf({ branch: 'next' }))
    expect(specOf({ endpoint: null })).not.toEqual(
      specOf({ endpoint: null }, { hub: { hasToken: false, endpoint: 'https://hub.example.org' } }),
    )
  })
})
