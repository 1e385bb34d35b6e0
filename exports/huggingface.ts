import {
  HubApiError,
  commit,
  createBranch,
  createRepo,
  datasetInfo,
  listFiles,
  repoExists,
  whoAmI,
} from '@huggingface/hub'
import type { CommitOperation } from '@huggingface/hub'
import { pathToFileURL } from 'node:url'
import { CurateError, messageOf } from '../pipelines/core/errors.ts'
import { withoutSecrets } from '../pipelines/core/secrets.ts'
import { isNetworkFailure, isTransientStatus, retryingFetch } from './hub-fetch.ts'
import type { RetryPolicy } from './hub-fetch.ts'
import { hubRequests } from './hub-requests.ts'
import type { HubRequests } from './hub-requests.ts'
import type { HubToken } from './hub-token.ts'

/** A dataset repository on the Hub, at one branch. */
export interface HubPlace {
  /** `owner/name` */
  readonly repo: string
  readonly branch: string
}

/** A file as the Hub has it. */
export interface RemoteFile {
  readonly path: string
  readonly numBytes: number
  /** SHA-256 of a large file; null for one that lies in git itself. */
  readonly sha256: string | null
  /** SHA-1 of the git blob: of the content, or for a large file of its pointer. */
  readonly gitBlob: string | null
}

/** One change of a commit. */
export type HubOperation =
  { readonly path: string; readonly localPath: string } | { readonly path: string; readonly delete: true }

/** A pull request with the newest commit of its branch. */
export interface PullRequest {
  readonly commit: string
  readonly branch: string
  readonly url: string
}

/** The part of the Hub that publishing needs; every failure is a CurateError that holds no token and no signed address. */
export interface Hub {
  readonly endpoint: string
  /** Name of the user; the first thing to ask, since the Hub answers a bad token like a missing repository. */
  whoAmI(): Promise<string>
  exists(repo: string): Promise<boolean>
  /** Id of the newest commit; null where the repository has no such branch. */
  head(place: HubPlace): Promise<string | null>
  /** Makes a repository, or a branch of one; that it is there already is no error. */
  createRepo(repo: string, visibility: 'private' | 'public'): Promise<void>
  createBranch(place: HubPlace): Promise<void>
  list(repo: string, revision: string): Promise<RemoteFile[]>
  /** The text of a small file; null where the revision has none of that name. */
  read(repo: string, revision: string, path: string): Promise<string | null>
  /** Names a commit; that the name is taken already is no error. */
  tag(repo: string, revision: string, name: string): Promise<void>
  /** Commits on top of `parent` and gives the new commit; null where something else was committed meanwhile. */
  commit(place: HubPlace, parent: string, title: string, operations: readonly HubOperation[]): Promise<string | null>
  /** Makes a pull request of one commit on top of `parent`, and gives its branch, which takes further commits. */
  openPullRequest(
    place: HubPlace,
    parent: string,
    title: string,
    operations: readonly HubOperation[],
  ): Promise<PullRequest>
  /** The open pull request of an author with a title, the newest where there are several; null where there is none. */
  findPullRequest(repo: string, author: string, title: string): Promise<PullRequest | null>
}

/** Opens the Hub at an endpoint. */
export function openHub(endpoint: string, { token, origin }: HubToken, signal: AbortSignal, retry?: RetryPolicy): Hub {
  const access = { hubUrl: endpoint, accessToken: token, fetch: retryingFetch(signal, retry) }
  const guard = <Result>(call: () => Promise<Result>): Promise<Result> =>
    translateErrors(call, { endpoint, origin, signal })
  const session = { access, endpoint, signal, guard }
  const requests = openRequests(session)
  return {
    endpoint,
    whoAmI: () =>
      guard(async () => {
        const { name, auth } = await whoAmI(access)
        if (auth.accessToken?.role !== 'read') return name
        throw new CurateError('hub_token_read_only', `the token of ${name} from ${origin} may only read`, {
          hint: 'Make a token with write access in the settings of your account.',
        })
      }),
    exists: (repo) => guard(() => repoExists({ ...access, repo: nameOf(repo) })),
    head: ({ repo, branch }) => guard(() => headOf(access, repo, branch)),
    createRepo: (repo, visibility) =>
      guard(async () => {
        await orNull(createRepo({ ...access, repo: nameOf(repo), visibility }), 409)
      }),
    createBranch: ({ repo, branch }) =>
      guard(async () => {
        await orNull(createBranch({ ...access, repo: nameOf(repo), branch }), 409)
      }),
    list: (repo, revision) =>
      guard(async () => {
        const entries = await Array.fromAsync(listFiles({ ...access, repo: nameOf(repo), revision, recursive: true }))
        return entries
          .filter(({ type }) => type === 'file')
          .map(({ path, size, oid, lfs }) => ({ path, numBytes: size, sha256: lfs?.oid ?? null, gitBlob: oid ?? null }))
      }),
    read: (repo, revision, path) => guard(() => requests.read(repo, revision, path)),
    tag: (repo, revision, name) => guard(() => requests.tag(repo, revision, name)),
    commit: (place, parent, title, operations) =>
      guard(async () => {
        const committing = commit({ ...access, ...commitOf(place, parent, title, operations), abortSignal: signal })
        return (await orNull(committing, 412, 409))?.commit.oid ?? null
      }),
    ...pullRequests(session, requests),
  }
}

/** What calls of the Hub's library and our own need. */
interface Session {
  readonly access: { readonly hubUrl: string; readonly accessToken: string; readonly fetch: typeof fetch }
  readonly endpoint: string
  readonly signal: AbortSignal
  readonly guard: <Result>(call: () => Promise<Result>) => Promise<Result>
}

function openRequests({ endpoint, access }: Session): HubRequests {
  const { accessToken: token, fetch: send } = access
  return hubRequests({ endpoint, token, send, refusal: ({ url, status }) => new HubApiError(url, status) })
}

async function headOf(access: Session['access'], repo: string, branch: string): Promise<string | null> {
  const info = datasetInfo({ ...access, name: repo, revision: branch, additionalFields: ['sha'] })
  return (await orNull(info, 404))?.sha ?? null
}

function pullRequests(
  { access, endpoint, signal, guard }: Session,
  requests: HubRequests,
): Pick<Hub, 'openPullRequest' | 'findPullRequest'> {
  return {
    openPullRequest: (place, parent, title, operations) =>
      guard(async () => {
        const opened = await commit({
          ...access,
          ...commitOf(place, parent, title, operations),
          abortSignal: signal,
          isPullRequest: true,
        })
        const url = opened?.pullRequestUrl ?? ''
        const number = /\/(\d+)\/?$/.exec(url)?.[1]
        if (opened === undefined || number === undefined) throw new TypeError(`the pull request has no number: ${url}`)
        return { commit: opened.commit.oid, branch: `refs/pr/${number}`, url }
      }),
    findPullRequest: (repo, author, title) =>
      guard(async () => {
        const number = await requests.pullRequestNumber(repo, author, title)
        const branch = `refs/pr/${number}`
        const commit = number === null ? null : await headOf(access, repo, branch)
        return commit === null ? null : { commit, branch, url: `${endpoint}/datasets/${repo}/discussions/${number}` }
      }),
  }
}

function nameOf(repo: string): { type: 'dataset'; name: string } {
  return { type: 'dataset', name: repo }
}

function commitOf({ repo, branch }: HubPlace, parent: string, title: string, operations: readonly HubOperation[]) {
  return {
    repo: nameOf(repo),
    branch,
    parentCommit: parent,
    title,
    operations: operations.map(toCommitOperation),
    // The plain protocol: what is tested here is what runs. Content-defined chunks of Xet come with their own test.
    useXet: false,
  }
}

function toCommitOperation(operation: HubOperation): CommitOperation {
  if ('delete' in operation) return { operation: 'delete', path: operation.path }
  return { operation: 'addOrUpdate', path: operation.path, content: pathToFileURL(operation.localPath) }
}

// 412 and 409: the Hub's `A commit has happened since` and `Precondition Failed`, and for what is made, that it is there.
async function orNull<Result>(call: Promise<Result>, ...statuses: readonly number[]): Promise<Result | null> {
  try {
    return await call
  } catch (error) {
    if (error instanceof HubApiError && statuses.includes(error.statusCode)) return null
    throw error
  }
}

async function translateErrors<Result>(
  call: () => Promise<Result>,
  context: { endpoint: string; origin: string; signal: AbortSignal },
): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    context.signal.throwIfAborted()
    if (error instanceof CurateError) throw error
    throw error instanceof HubApiError ? refusal(error, context) : failure(error, context)
  }
}

function refusal(error: HubApiError, { endpoint, origin }: { endpoint: string; origin: string }): CurateError {
  const status = error.statusCode
  const message = `${endpoint} answered ${status}: ${publicText(error.message)}`
  if (status === 401) {
    const hint = `It does not know the token from ${origin}. Make a new one in the settings of your account.`
    return new CurateError('hub_unauthorized', message, { hint })
  }
  if (status === 403) {
    const hint = `The token from ${origin} may not write there. Check publish.repo, and the rights of the token.`
    return new CurateError('hub_forbidden', message, { hint })
  }
  if (isTransientStatus(status)) return unreachable(message)
  return new CurateError('hub_refused', message, { hint: 'Check publish.repo and publish.branch in the recipe.' })
}

function failure(error: unknown, { endpoint }: { endpoint: string }): CurateError {
  const cause = error instanceof Error && error.cause !== undefined ? ` (${messageOf(error.cause)})` : ''
  const message = `${endpoint}: ${publicText(messageOf(error) + cause)}`
  if (isNetworkFailure(error)) return unreachable(message)
  return new CurateError('hub_failed', message, {
    hint: 'Run the same command again; what was uploaded is kept.',
    retryable: true,
  })
}

function unreachable(message: string): CurateError {
  const hint = 'Check the network and the status of the Hub, and run the same command again: what was uploaded is kept.'
  return new CurateError('hub_unreachable', message, { hint, retryable: true })
}

// Addresses to upload to are signed: who has one may write.
function publicText(text: string): string {
  return withoutSecrets(text.replaceAll(/\?[^\s"']+/g, '')).slice(0, 500)
}
