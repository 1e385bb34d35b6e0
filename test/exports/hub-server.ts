import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../../pipelines/core/errors.ts'
import { addCommit, findCommit, historyOf } from './hub-repository.ts'
import type { Change, HubRepository, TreeEntry } from './hub-repository.ts'
import { answerRequest, contentOf } from './hub-routes.ts'
import type { Answer, HubState, Question, TokenRole } from './hub-routes.ts'

/** What to do to requests that match, instead of or after answering them. */
interface Fault {
  readonly method: string
  readonly path: RegExp
  /** `cut`: close the connection unanswered; `cut_after`: do what is asked, then close it; a number: answer that status. */
  readonly kind: 'cut' | 'cut_after' | number
  /** How many requests it happens to. Default 1. */
  readonly times?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A server that speaks the part of the Hub's protocol that publishing uses, and keeps repositories like git. */
export interface HubServer {
  readonly endpoint: string
  /** Every request as `METHOD /path?query`, in order. */
  readonly requests: readonly string[]
  readonly repositories: ReadonlyMap<string, HubRepository>
  addToken(token: string, role: TokenRole): void
  addFault(fault: Fault): void
  /** Commits as somebody else would, behind the back of whoever is publishing. */
  commitBehind(repo: string, changes: readonly Change[]): void
  /** Calls back after the next request that matches was answered. */
  afterNext(method: string, path: RegExp, call: () => void): void
  /** Every file of a branch with its content, as a download gives them. */
  download(repo: string, branch?: string): Map<string, Buffer>
  history(repo: string, branch?: string): string[]
  close(): Promise<void>
}

/** Starts the server on a free port of this machine. */
export async function startHubServer(): Promise<HubServer> {
  const state: HubState = { repositories: new Map(), large: new Map(), tokens: new Map(), endpoint: '' }
  const requests: string[] = []
  const faults: { fault: Fault; left: number }[] = []
  let watchers: { method: string; path: RegExp; call: () => void }[] = []

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request
    requests.push(`${method} ${url}`)
    const hit = faults.find(({ fault, left }) => left > 0 && fault.method === method && fault.path.test(url))
    if (hit !== undefined) hit.left -= 1
    if (hit?.fault.kind === 'cut') return void request.socket.destroy()
    const body = await readBody(request)
    if (typeof hit?.fault.kind === 'number') {
      return send(response, {
        status: hit.fault.kind,
        json: { error: 'Injected failure' },
        headers: hit.fault.headers ?? {},
      })
    }
    const question = { method, url: new URL(url, state.endpoint), body, token: tokenOf(request) }
    const answer = answerOrRefuse(state, question)
    if (hit?.fault.kind === 'cut_after') request.socket.destroy()
    else send(response, answer)
    const called = watchers.filter((watcher) => watcher.method === method && watcher.path.test(url))
    watchers = watchers.filter((watcher) => !called.includes(watcher))
    for (const { call } of called) call()
  }

  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  state.endpoint = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`
  return {
    endpoint: state.endpoint,
    requests,
    repositories: state.repositories,
    addToken: (token, role) => void state.tokens.set(token, role),
    addFault: (fault) => void faults.push({ fault, left: fault.times ?? 1 }),
    commitBehind: (repo, changes) =>
      void addCommit(requireRepository(state, repo), 'main', 'by somebody else', changes),
    afterNext: (method, path, call) => void watchers.push({ method, path, call }),
    download: (repo, branch = 'main') => {
      const repository = requireRepository(state, repo)
      const tree = findCommit(repository, branch)?.tree ?? new Map<string, TreeEntry>()
      return new Map([...tree].map(([path, entry]) => [path, contentOf(state, repository, entry)]))
    },
    history: (repo, branch = 'main') => historyOf(requireRepository(state, repo), branch),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answerOrRefuse(state: HubState, question: Question): Answer {
  try {
    return answerRequest(state, question)
  } catch (error) {
    return { status: 400, json: { error: messageOf(error) } }
  }
}

function requireRepository(state: HubState, repo: string): HubRepository {
  const repository = state.repositories.get(repo)
  if (repository === undefined) throw new Error(`the server has no repository ${repo}`)
  return repository
}

function tokenOf({ headers }: IncomingMessage): string | null {
  return headers.authorization?.replace('Bearer ', '') ?? null
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

function send(response: ServerResponse, { status, json, bytes, headers }: Answer): void {
  const body = bytes ?? Buffer.from(JSON.stringify(json))
  const type = bytes === undefined ? 'application/json; charset=utf-8' : 'application/octet-stream'
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length, ...headers }).end(body)
}
