import { z } from 'zod'
import { sha256 } from '../../pipelines/core/hash.ts'
import { addCommit, discussionsOf, findCommit, newRepository } from './hub-repository.ts'
import type { Change, HubRepository, TreeEntry } from './hub-repository.ts'

/** What a token may do; `foreign`: that of a user who has no part in the repositories. */
export type TokenRole = 'write' | 'read' | 'foreign'

/** Everything the server keeps. */
export interface HubState {
  readonly repositories: Map<string, HubRepository>
  /** SHA-256 to content of large files, of all repositories. */
  readonly large: Map<string, Buffer>
  readonly tokens: Map<string, TokenRole>
  endpoint: string
}

/** A request. */
export interface Question {
  readonly method: string
  readonly url: URL
  readonly body: Buffer
  readonly token: string | null
}

/** What is answered: JSON or bytes. */
export interface Answer {
  readonly status: number
  readonly json?: unknown
  readonly bytes?: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** The content a download gives: of a large file not its pointer. */
export function contentOf(state: HubState, repository: HubRepository, { oid, lfs }: TreeEntry): Buffer {
  return (lfs === null ? repository.blobs.get(oid) : state.large.get(lfs.oid)) ?? Buffer.from('lost')
}

/** Answers a request as the Hub does. Throws on a body that is not what the endpoint takes. */
export function answerRequest(state: HubState, question: Question): Answer {
  const { method, url, token } = question
  const upload = /^\/lfs\/([0-9a-f]{64})$/.exec(url.pathname)
  if (upload !== null && method === 'PUT') return storeLarge(state, upload[1] ?? '', question)
  const role = token === null ? null : state.tokens.get(token)
  if (role === undefined) return failure(401, 'Invalid credentials in Authorization header')
  for (const { on, path, needs, answer } of ROUTES) {
    const match = on === method ? path.exec(decodeURIComponent(url.pathname)) : null
    if (match === null) continue
    if (needs === 'token' && role === null) return failure(401, 'Invalid username or password.')
    if (needs === 'write' && role !== 'write')
      return failure(role === null ? 401 : 403, 'You are not allowed to do that')
    const [, repo = '', argument = '', deeper = ''] = match
    const repository = state.repositories.get(repo)
    // The Hub hides a private repository from everybody else.
    const isHidden = repository?.isPrivate === true && (role === null || role === 'foreign')
    if (repo !== '' && (repository === undefined || isHidden))
      return failure(role === null ? 401 : 404, 'Repository not found')
    return answer({ state, question, repo, repository: repository ?? newRepository(true), argument, deeper })
  }
  return failure(404, `no such endpoint: ${method} ${url.pathname}`)
}

interface Call {
  readonly state: HubState
  readonly question: Question
  readonly repo: string
  readonly repository: HubRepository
  readonly argument: string
  readonly deeper: string
}

interface Route {
  readonly on: string
  readonly path: RegExp
  readonly needs: 'nothing' | 'token' | 'write'
  readonly answer: (call: Call) => Answer
}

const DATASET = '/api/datasets/([^/]+/[^/]+)'

const ROUTES: readonly Route[] = [
  { on: 'GET', path: /^\/api\/whoami-v2$/, needs: 'token', answer: whoAmI },
  { on: 'POST', path: /^\/api\/repos\/create$/, needs: 'write', answer: createRepo },
  {
    on: 'GET',
    path: new RegExp(`^${DATASET}$`),
    needs: 'nothing',
    answer: ({ repo }) => ({ status: 200, json: { id: repo } }),
  },
  { on: 'GET', path: new RegExp(`^${DATASET}/revision/(.+)$`), needs: 'nothing', answer: describeRevision },
  { on: 'GET', path: new RegExp(`^${DATASET}/tree/([^/]+)$`), needs: 'nothing', answer: listTree },
  { on: 'POST', path: new RegExp(`^${DATASET}/branch/(.+)$`), needs: 'write', answer: createBranch },
  { on: 'POST', path: new RegExp(`^${DATASET}/preupload/(.+)$`), needs: 'write', answer: preupload },
  { on: 'POST', path: new RegExp(`^${DATASET}/commit/(.+)$`), needs: 'write', answer: commit },
  { on: 'GET', path: new RegExp(`^${DATASET}/discussions$`), needs: 'nothing', answer: listDiscussions },
  { on: 'POST', path: new RegExp(`^${DATASET}/tag/(.+)$`), needs: 'write', answer: createTag },
  {
    on: 'POST',
    path: /^\/datasets\/([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/,
    needs: 'write',
    answer: lfsBatch,
  },
  { on: 'POST', path: /^\/lfs\/verify$/, needs: 'nothing', answer: verifyLarge },
  { on: 'GET', path: /^\/datasets\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/, needs: 'nothing', answer: resolveFile },
]

function whoAmI({ state, question }: Call): Answer {
  const role = state.tokens.get(question.token ?? '') === 'read' ? 'read' : 'write'
  const auth = { type: 'access_token', accessToken: { displayName: 'test', role } }
  return { status: 200, json: { type: 'user', id: '1', name: 'tester', fullname: 'Tester', orgs: [], auth } }
}

const NewRepository = z.object({
  name: z.string(),
  organization: z.string(),
  type: z.literal('dataset'),
  visibility: z.enum(['private', 'public']),
})

function createRepo({ state, question }: Call): Answer {
  const { name, organization, visibility } = NewRepository.parse(JSON.parse(question.body.toString()))
  const repo = `${organization}/${name}`
  if (state.repositories.has(repo)) return failure(409, 'You already created this dataset repo')
  state.repositories.set(repo, newRepository(visibility === 'private'))
  return { status: 200, json: { url: `${state.endpoint}/datasets/${repo}`, id: '1', name: repo } }
}

const NewTag = z.object({ tag: z.string() })

function createTag({ question, repository, argument }: Call): Answer {
  const { tag } = NewTag.parse(JSON.parse(question.body.toString()))
  const found = findCommit(repository, argument)
  if (found === undefined) return failure(404, `Invalid rev id: ${argument}`)
  if (repository.branches.has(tag)) return failure(409, 'Tag reference exists already')
  repository.branches.set(tag, found.id)
  return { status: 200, json: {} }
}

function describeRevision({ repo, repository, argument }: Call): Answer {
  const found = findCommit(repository, argument)
  if (found === undefined) return failure(404, `Invalid rev id: ${argument}`)
  const { isPrivate } = repository
  const counts = { downloads: 0, likes: 0, gated: false, lastModified: '2026-01-01T00:00:00.000Z' }
  return { status: 200, json: { _id: '1', id: repo, private: isPrivate, sha: found.id, ...counts } }
}

function listDiscussions({ question, repository }: Call): Answer {
  const wanted = question.url.searchParams.get('status')
  const discussions = discussionsOf(repository).filter(({ status }) => wanted === null || status === wanted)
  return { status: 200, json: { discussions, count: discussions.length, start: 0 } }
}

function createBranch({ repository, argument }: Call): Answer {
  const head = repository.branches.get('main')
  if (repository.branches.has(argument) || head === undefined) return failure(409, 'Reference already exists')
  repository.branches.set(argument, head)
  return { status: 200, json: {} }
}

// Few a page, so that every test that lists files turns pages.
const PAGE = 3

function listTree({ state, question, repo, repository, argument }: Call): Answer {
  const found = findCommit(repository, argument)
  if (found === undefined) return failure(404, `Invalid rev id: ${argument}`)
  const entries = [...found.tree].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const start = Number(question.url.searchParams.get('cursor') ?? 0)
  const page = entries.slice(start, start + PAGE).map(([path, { oid, size, lfs }]) => ({
    type: 'file',
    path,
    oid,
    size,
    ...(lfs === null ? {} : { lfs: { ...lfs, pointerSize: repository.blobs.get(oid)?.length } }),
  }))
  const next = `${state.endpoint}/api/datasets/${repo}/tree/${argument}?recursive=true&cursor=${start + PAGE}`
  return { status: 200, json: page, headers: start + PAGE < entries.length ? { Link: `<${next}>; rel="next"` } : {} }
}

const Preupload = z.object({ files: z.array(z.object({ path: z.string(), size: z.int(), sample: z.string() })) })

function preupload({ question }: Call): Answer {
  const { files } = Preupload.parse(JSON.parse(question.body.toString()))
  const modes = files.map(({ path, size }) => ({ path, uploadMode: isLarge(path, size) ? 'lfs' : 'regular' }))
  return { status: 200, json: { files: modes } }
}

function isLarge(path: string, size: number): boolean {
  return /\.(parquet|arrow)$/.test(path) || size > 10_000_000
}

const LfsBatch = z.object({
  operation: z.literal('upload'),
  transfers: z.array(z.string()),
  objects: z.array(z.object({ oid: z.string(), size: z.int() })),
})

function lfsBatch({ state, question }: Call): Answer {
  const { objects } = LfsBatch.parse(JSON.parse(question.body.toString()))
  const answered = objects.map(({ oid, size }) => {
    const href = `${state.endpoint}/lfs/${oid}?X-Amz-Signature=${SIGNATURE}`
    const verify = { href: `${state.endpoint}/lfs/verify` }
    return state.large.has(oid) ? { oid, size } : { oid, size, actions: { upload: { href }, verify } }
  })
  return { status: 200, json: { transfer: 'basic', objects: answered } }
}

const Verification = z.object({ oid: z.string(), size: z.int() })

function verifyLarge({ state, question }: Call): Answer {
  const { oid, size } = Verification.parse(JSON.parse(question.body.toString()))
  return state.large.get(oid)?.length === size ? { status: 200, json: {} } : failure(404, 'Object not found')
}

/** Part of every address to upload to: whoever has it may write, so it must never be printed. */
export const SIGNATURE = 'c0ffee5ec2e7'

function storeLarge(state: HubState, oid: string, { url, body, token }: Question): Answer {
  if (url.searchParams.get('X-Amz-Signature') !== SIGNATURE) return failure(403, 'SignatureDoesNotMatch')
  if (token !== null) return failure(400, 'the token must not be sent to the store')
  if (sha256(body) !== oid) return failure(400, 'BadDigest')
  state.large.set(oid, body)
  return { status: 200, bytes: Buffer.alloc(0) }
}

const CommitLine = z.discriminatedUnion('key', [
  z.object({ key: z.literal('header'), value: z.object({ summary: z.string(), parentCommit: z.string().optional() }) }),
  z.object({
    key: z.literal('file'),
    value: z.object({ path: z.string(), content: z.base64(), encoding: z.literal('base64') }),
  }),
  z.object({
    key: z.literal('lfsFile'),
    value: z.object({ path: z.string(), algo: z.literal('sha256'), oid: z.string(), size: z.int() }),
  }),
  z.object({ key: z.literal('deletedFile'), value: z.object({ path: z.string() }) }),
])

function commit({ state, question, repo, repository, argument }: Call): Answer {
  const lines = question.body
    .toString()
    .split('\n')
    .map((line) => CommitLine.parse(JSON.parse(line)))
  const [header] = lines
  const head = repository.branches.get(argument)
  if (header?.key !== 'header' || head === undefined) return failure(400, 'the first line must be a header')
  if ((header.value.parentCommit ?? head) !== head) {
    return failure(412, 'A commit has happened since. Please refresh and try again.')
  }
  const changes = lines.slice(1).flatMap(changesOf)
  const problem = changes
    .map((change) => problemOf(state, findCommit(repository, head)?.tree, change))
    .find((text) => text !== null)
  if (changes.length > 100 || problem !== undefined) return failure(422, problem ?? 'too many operations')
  // A pull request is a branch of its own, which begins where the commit says.
  const isPullRequest = question.url.searchParams.get('create_pr') === '1'
  if (isPullRequest) repository.pullRequests.push({ title: header.value.summary, status: 'open' })
  const number = repository.pullRequests.length
  const branch = isPullRequest ? `refs/pr/${number}` : argument
  if (isPullRequest) repository.branches.set(branch, header.value.parentCommit ?? head)
  const id = addCommit(repository, branch, header.value.summary, changes)
  const pullRequestUrl = `${state.endpoint}/datasets/${repo}/discussions/${number}`
  return {
    status: 200,
    json: {
      commitOid: id,
      commitUrl: `${state.endpoint}/datasets/${repo}/commit/${id}`,
      hookOutput: '',
      ...(isPullRequest ? { pullRequestUrl } : {}),
    },
  }
}

function changesOf(line: z.infer<typeof CommitLine>): Change[] {
  if (line.key === 'header') return []
  if (line.key === 'deletedFile') return [{ key: 'deletedFile', ...line.value }]
  if (line.key === 'lfsFile') return [{ key: 'lfsFile', ...line.value }]
  return [{ key: 'file', path: line.value.path, content: Buffer.from(line.value.content, 'base64') }]
}

function problemOf(state: HubState, tree: ReadonlyMap<string, TreeEntry> | undefined, change: Change): string | null {
  if (change.key === 'lfsFile' && state.large.get(change.oid)?.length !== change.size)
    return `${change.path} was not uploaded`
  if (change.key === 'file' && isLarge(change.path, change.content.length))
    return `${change.path} must be uploaded first`
  return change.key === 'deletedFile' && tree?.has(change.path) !== true ? `${change.path} is not there` : null
}

function resolveFile({ state, repository, argument, deeper }: Call): Answer {
  const entry = findCommit(repository, argument)?.tree.get(deeper)
  return entry === undefined
    ? failure(404, 'Entry not found')
    : { status: 200, bytes: contentOf(state, repository, entry) }
}

function failure(status: number, error: string): Answer {
  return { status, json: { error } }
}
