import { describe, expect, it } from 'vitest'
import { openHub } from '../../exports/huggingface.ts'
import { COMMIT_PATH, DATASET, QUICKLY, REPO, TOKEN, usePublishing } from './publishing.ts'

const publishing = usePublishing()

describe('publishDataset over a bad connection', () => {
  it.each([429, 500, 502, 503, 504])('repeats what was answered with %s', async (kind) => {
    const { server, publish, downloaded } = publishing()
    for (const path of [/whoami/, /tree/]) server.addFault({ method: 'GET', path, kind })
    for (const path of [/create/, /preupload/, /objects\/batch/, COMMIT_PATH])
      server.addFault({ method: 'POST', path, kind })
    server.addFault({ method: 'PUT', path: /lfs/, kind })
    await publish()
    expect(downloaded()).toEqual(DATASET)
    expect(server.history(REPO)).toEqual(['Publish test', 'initial commit'])
  })

  it('repeats what was not answered at all', async () => {
    const { server, publish, downloaded } = publishing()
    for (const path of [/create/, /preupload/, /objects\/batch/, COMMIT_PATH])
      server.addFault({ method: 'POST', path, kind: 'cut' })
    server.addFault({ method: 'PUT', path: /lfs/, kind: 'cut', times: 2 })
    server.addFault({ method: 'GET', path: /revision/, kind: 'cut' })
    await publish()
    expect(downloaded()).toEqual(DATASET)
  })

  it('commits once where the answer to the commit was lost', async () => {
    const { server, publish, downloaded } = publishing()
    server.addFault({ method: 'POST', path: COMMIT_PATH, kind: 'cut_after' })
    const { publication } = await publish()
    expect(downloaded()).toEqual(DATASET)
    expect(server.history(REPO)).toEqual(['Publish test', 'initial commit'])
    expect(publication.commit_oid).toBe(server.repositories.get(REPO)?.branches.get('main'))
  })

  it('goes on where the answer to making the repository was lost', async () => {
    const { server, publish, downloaded } = publishing()
    server.addFault({ method: 'POST', path: /repos\/create/, kind: 'cut_after' })
    await publish()
    expect(downloaded()).toEqual(DATASET)
  })

  it('waits as long as the server asks', async () => {
    const { server } = publishing()
    server.addFault({ method: 'GET', path: /whoami/, kind: 429, headers: { 'Retry-After': '1' } })
    const hub = openHub(server.endpoint, { token: TOKEN, origin: 'HF_TOKEN' }, new AbortController().signal, {
      ...QUICKLY,
      maxDelayMs: 1500,
    })
    const started = performance.now()
    await hub.whoAmI()
    expect(performance.now() - started).toBeGreaterThan(990)
  })

  it('gives up after a while, keeps what was uploaded, and finishes the next time', async () => {
    const { server, publish, downloaded, countRequests } = publishing()
    server.addFault({ method: 'POST', path: COMMIT_PATH, kind: 503, times: 4 })
    await expect(publish()).rejects.toMatchObject({ code: 'hub_unreachable', retryable: true })
    const uploads = countRequests('PUT', /\/lfs\//)
    await publish()
    expect(downloaded()).toEqual(DATASET)
    expect(countRequests('PUT', /\/lfs\//)).toBe(uploads)
  })

  it('says so where nobody answers', async () => {
    const { server } = publishing()
    const { endpoint } = server
    await server.close()
    const hub = openHub(endpoint, { token: TOKEN, origin: 'HF_TOKEN' }, new AbortController().signal, QUICKLY)
    await expect(hub.whoAmI()).rejects.toMatchObject({
      code: 'hub_unreachable',
      message: expect.stringContaining(endpoint),
    })
  })

  it('stops at once where the run is interrupted', async () => {
    const { server, publish } = publishing()
    const abort = new AbortController()
    server.addFault({ method: 'POST', path: COMMIT_PATH, kind: 503, times: 100 })
    server.afterNext('PUT', /lfs/, () => abort.abort())
    await expect(publish(DATASET, {}, { signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' })
  })
})
