import { describe, expect, it } from 'vitest'
import { openHub } from '../../exports/huggingface.ts'
import { planWithoutHub, publishDataset } from '../../exports/publisher.ts'
import { SIGNATURE } from './hub-routes.ts'
import { COMMIT_PATH, DATASET, QUICKLY, REPO, TOKEN, usePublishing } from './publishing.ts'

const publishing = usePublishing()

describe('publishDataset', () => {
  it('makes a private repository and puts every byte there, data before the card', async () => {
    const { server, publish, downloaded } = publishing()
    const { publication, files } = await publish()
    expect(downloaded()).toEqual(DATASET)
    expect(server.repositories.get(REPO)?.isPrivate).toBe(true)
    expect(publication).toMatchObject({ repo: REPO, dry_run: false, num_added: 5, num_commits: 1, num_unchanged: 0 })
    expect(publication.commit_oid).toBe(server.repositories.get(REPO)?.branches.get('main'))
    expect(files.map(({ path }) => path).at(-1)).toBe('README.md')
    expect(server.history(REPO)).toEqual(['Publish test', 'initial commit'])
  })

  it('asks who it is before anything else', async () => {
    const { server, publish } = publishing()
    await publish()
    expect(server.requests[0]).toBe('GET /api/whoami-v2')
  })

  it('makes a public repository where that is asked for', async () => {
    const { server, publish } = publishing()
    await publish(DATASET, { visibility: 'public' })
    expect(server.repositories.get(REPO)?.isPrivate).toBe(false)
  })

  it('commits to another branch, and makes it', async () => {
    const { publish, downloaded } = publishing()
    await publish()
    await publish({ ...DATASET, 'README.md': 'next' }, { place: { repo: REPO, branch: 'next' } })
    expect(downloaded('next')['README.md']).toBe('next')
    expect(downloaded()).toEqual(DATASET)
  })

  it('sends nothing the Hub has already', async () => {
    const { publish, countRequests } = publishing()
    const first = await publish()
    const uploads = countRequests('PUT', /\/lfs\//)
    const { publication } = await publish()
    expect(publication).toMatchObject({ num_commits: 0, num_added: 0, num_updated: 0, num_unchanged: 5, num_bytes: 0 })
    expect(publication.commit_oid).toBe(first.publication.commit_oid)
    expect([countRequests('PUT', /\/lfs\//), countRequests('POST', COMMIT_PATH)]).toEqual([uploads, 1])
  })

  it('sends what changed, large or small, and deletes what is no longer part', async () => {
    const { publish, downloaded } = publishing()
    await publish()
    const next = {
      'README.md': '# Card μ\n',
      'recipe.yaml': 'name: test\n',
      'rejects/train-00000-of-00001.parquet': 'rejects',
      'sft/train-00000-of-00001.parquet': 'all rows',
    }
    const { publication, files } = await publish(next)
    expect(downloaded()).toEqual(next)
    expect(publication).toMatchObject({ num_added: 1, num_updated: 1, num_deleted: 2, num_unchanged: 2 })
    expect(files.filter(({ action }) => action === 'delete').map(({ path }) => path)).toEqual([
      'sft/train-00000-of-00002.parquet',
      'sft/train-00001-of-00002.parquet',
    ])
  })

  it('leaves alone what somebody else put there', async () => {
    const { server, publish, downloaded } = publishing()
    await publish()
    const theirs = [
      'notes.md',
      'sft/notes.md',
      'mine/train-00000-of-00001.parquet',
      'sft/deep/train-00000-of-00001.arrow',
    ]
    const content = Buffer.from('theirs')
    server.commitBehind(
      REPO,
      theirs.map((path) => ({ key: 'file', path, content })),
    )
    const { publication } = await publish({ 'README.md': 'only the card' })
    expect(Object.keys(downloaded()).toSorted()).toEqual(['README.md', ...theirs].toSorted())
    expect(publication.num_deleted).toBe(4)
  })

  it('divides many files into commits of at most 50, each on top of the one before', async () => {
    const { server, publish, downloaded } = publishing()
    const many = Object.fromEntries(
      Array.from({ length: 101 }, (_, index) => [
        `sft/train-${String(index).padStart(5, '0')}-of-00101.parquet`,
        `rows ${index}`,
      ]),
    )
    const { publication } = await publish({ ...many, 'README.md': 'card' })
    expect(publication).toMatchObject({ num_commits: 3, num_added: 102 })
    expect(downloaded()).toEqual({ ...many, 'README.md': 'card' })
    expect(server.history(REPO)).toEqual(['Publish test', 'Publish test', 'Publish test', 'initial commit'])
  })

  it('plans, and sends nothing, where it is a dry run', async () => {
    const { server, publish } = publishing()
    const { publication, files } = await publish(DATASET, { isDryRun: true })
    expect(publication).toMatchObject({ dry_run: true, commit_oid: null, num_commits: 0, num_added: 5 })
    expect(files).toHaveLength(5)
    expect(server.requests.every((line) => line.startsWith('GET '))).toBe(true)
    expect(server.repositories.size).toBe(0)
  })

  it('plans against what is there in a dry run', async () => {
    const { publish, downloaded } = publishing()
    await publish()
    const { publication } = await publish({ ...DATASET, 'README.md': 'new' }, { isDryRun: true })
    expect(publication).toMatchObject({ num_added: 0, num_updated: 1, num_unchanged: 4, commit_oid: null })
    expect(downloaded()).toEqual(DATASET)
  })

  it('plans without a token that everything is new', async () => {
    const { server, writeFiles } = publishing()
    const request = { place: { repo: REPO, branch: 'main' }, visibility: 'private', title: '', isDryRun: true } as const
    const { publication } = await planWithoutHub(server.endpoint, { ...request, files: await writeFiles(DATASET) })
    expect(publication).toMatchObject({ num_added: 5, dry_run: true, commit_oid: null, parent_oid: null })
    expect(server.requests).toEqual([])
  })
})

describe('publishDataset beside others', () => {
  it('plans again where somebody committed meanwhile, and overwrites nothing of theirs', async () => {
    const { server, publish, downloaded } = publishing()
    await publish()
    const content = Buffer.from('theirs')
    server.afterNext('POST', /preupload/, () => server.commitBehind(REPO, [{ key: 'file', path: 'notes.md', content }]))
    await publish({ ...DATASET, 'README.md': 'new' })
    expect(downloaded()).toEqual({ ...DATASET, 'README.md': 'new', 'notes.md': 'theirs' })
    expect(server.history(REPO)).toEqual(['Publish test', 'by somebody else', 'Publish test', 'initial commit'])
  })

  it('gives up where somebody always commits first', async () => {
    const { server, publish } = publishing()
    await publish()
    const interfere = (count: number): void => {
      const content = Buffer.from(String(count))
      server.commitBehind(REPO, [{ key: 'file', path: 'notes.md', content }])
      server.afterNext('POST', /preupload/, () => interfere(count + 1))
    }
    server.afterNext('POST', /preupload/, () => interfere(1))
    await expect(publish({ ...DATASET, 'README.md': 'new' })).rejects.toMatchObject({
      code: 'hub_busy',
      retryable: true,
    })
  })

  it('does not call done what the repository does not hold in the end', async () => {
    const { server, writeFiles, countRequests } = publishing()
    const hub = openHub(server.endpoint, { token: TOKEN, origin: 'HF_TOKEN' }, new AbortController().signal, QUICKLY)
    const forgetful = {
      ...hub,
      list: async (repo: string, revision: string) =>
        (await hub.list(repo, revision)).filter(
          ({ path }) => path !== 'recipe.yaml' || countRequests('POST', COMMIT_PATH) === 0,
        ),
    }
    const place = { repo: REPO, branch: 'main' }
    const request = {
      place,
      visibility: 'private',
      title: 't',
      isDryRun: false,
      files: await writeFiles(DATASET),
    } as const
    await expect(publishDataset(forgetful, request)).rejects.toMatchObject({
      code: 'hub_not_as_sent',
      message: expect.stringContaining('recipe.yaml'),
    })
  })
})

describe('publishDataset without the right', () => {
  const failing: readonly (readonly [string, 'read' | 'foreign' | null, string])[] = [
    ['the Hub does not know the token', null, 'hub_unauthorized'],
    ['the token may only read', 'read', 'hub_token_read_only'],
    ['the token may not write there', 'foreign', 'hub_forbidden'],
  ]

  it.each(failing)('says so where %s, and never prints a secret', async (_, role, code) => {
    const { server, publish } = publishing()
    const token = 'hf_anothersecrettoken'
    if (role !== null) server.addToken(token, role)
    const failure: unknown = await publish(DATASET, {}, { token }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code, retryable: false, hint: expect.stringMatching(/token/) })
    const printed = failure instanceof Error ? `${failure.message} ${failure.stack} ${JSON.stringify(failure)}` : ''
    expect(printed).not.toContain(token)
    expect(failure instanceof Error && failure.cause).toBeFalsy()
  })

  it('prints no signed address where an upload is refused', async () => {
    const { server, publish } = publishing()
    server.addFault({ method: 'PUT', path: /lfs/, kind: 403, times: 100 })
    const failure: unknown = await publish().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'hub_forbidden', message: expect.stringContaining('/lfs/') })
    expect(failure instanceof Error ? failure.message : SIGNATURE).not.toContain(SIGNATURE)
  })
})

describe('publishing as a pull request', () => {
  it('leaves the branch as it is and puts all commits into one pull request', async () => {
    const { server, publish, downloaded } = publishing()
    await publish()
    const many = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [
        `sft/train-${String(index).padStart(5, '0')}-of-00060.parquet`,
        `rows ${index}`,
      ]),
    )
    const { publication } = await publish({ ...DATASET, ...many }, { mode: 'pull_request' })
    expect(downloaded()).toEqual(DATASET)
    expect(downloaded('refs/pr/1')).toMatchObject(many)
    expect(publication).toMatchObject({
      num_commits: 2,
      pull_request: `${server.endpoint}/datasets/${REPO}/discussions/1`,
    })
  })

  it('goes on with the one that an earlier run left open, and opens another one once that is merged', async () => {
    const { server, publish, downloaded } = publishing()
    await publish()
    const changed = { ...DATASET, 'sft/train-00000-of-00001.parquet': 'other rows' }
    server.addFault({ method: 'POST', path: /commit/, kind: 'cut_after' })
    await publish(changed, { mode: 'pull_request' })
    const { publication } = await publish(changed, { mode: 'pull_request' })
    expect(publication).toMatchObject({ num_commits: 0, pull_request: expect.stringMatching(/discussions\/1$/) })
    expect(server.repositories.get(REPO)?.pullRequests).toHaveLength(1)
    const [first] = server.repositories.get(REPO)?.pullRequests ?? []
    if (first !== undefined) first.status = 'closed'
    await publish(changed, { mode: 'pull_request' })
    expect(server.repositories.get(REPO)?.pullRequests).toHaveLength(2)
    expect(downloaded('refs/pr/2')).toEqual(changed)
  })

  it('opens none where nothing changed', async () => {
    const { server, publish } = publishing()
    await publish()
    const { publication } = await publish(DATASET, { mode: 'pull_request' })
    expect(publication).toMatchObject({ num_commits: 0, pull_request: null })
    expect(server.repositories.get(REPO)?.branches.has('refs/pr/1')).toBe(false)
  })
})

describe('naming what was published', () => {
  it('tags the commit, once', async () => {
    const { server, publish } = publishing()
    const { publication } = await publish(DATASET, { tag: 'v1' })
    expect(publication).toMatchObject({ tag: 'v1' })
    expect(server.repositories.get(REPO)?.branches.get('v1')).toBe(publication.commit_oid)
    await publish(DATASET, { tag: 'v1' })
    expect(server.repositories.get(REPO)?.branches.get('v1')).toBe(publication.commit_oid)
  })

  it('sends nothing where the name stands for something else already', async () => {
    const { server, publish, downloaded } = publishing()
    await publish(DATASET, { tag: 'v1' })
    const before = server.history(REPO)
    const changed = { ...DATASET, 'sft/train-00000-of-00001.parquet': 'other rows' }
    await expect(publish(changed, { tag: 'v1' })).rejects.toMatchObject({ code: 'hub_tag_taken' })
    expect(server.history(REPO)).toEqual(before)
    expect(downloaded()).toEqual(DATASET)
    expect((await publish(changed, { tag: 'v2' })).publication.tag).toBe('v2')
  })
})

describe('a card that people edited', () => {
  it('is published with what they wrote, and not committed again for it', async () => {
    const { server, publish, downloaded, writeFiles } = publishing()
    const mergeCard = async (published: string | null) => {
      const [card] = await writeFiles({
        'README.md': published?.includes('by hand') === true ? 'generated, by hand' : 'generated',
      })
      if (card === undefined) throw new TypeError('no card')
      return card
    }
    await publish(DATASET, { mergeCard })
    expect(downloaded()['README.md']).toBe('generated')
    server.commitBehind(REPO, [{ key: 'file', path: 'README.md', content: Buffer.from('edited by hand') }])
    await publish(DATASET, { mergeCard })
    expect(downloaded()['README.md']).toBe('generated, by hand')
    expect((await publish(DATASET, { mergeCard })).publication.num_commits).toBe(0)
  })
})
