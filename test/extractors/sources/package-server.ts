import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import { sha256 } from '../../../pipelines/core/hash.ts'

/** A package index as https://docs.pypi.org/api/json has it, with the files it names. */
export interface PackageServer {
  /** What a source calls its `index`. */
  readonly index: string
  /** Paths that were asked for. */
  readonly requests: string[]
  /** What each request said of who asks. */
  readonly authorizations: (string | null)[]
  /** Another address of the same server. */
  readonly otherOrigin: string
  /** Publishes a source archive and gives its SHA-256. `fields` overrides what the index says of it. */
  publish(name: string, version: string, archive: PublishedArchive): string
  /** Answers any path below the index with this. */
  answer(path: string, status: number, body: string | Buffer): void
  close(): Promise<void>
}

export interface PublishedArchive {
  readonly filename: string
  readonly content: Buffer
  readonly fields?: Readonly<Record<string, unknown>>
}

/** Starts one on a free port of this machine. */
export async function startPackageServer(): Promise<PackageServer> {
  const answers = new Map<string, { status: number; body: string | Buffer }>()
  const requests: string[] = []
  const authorizations: (string | null)[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    authorizations.push(request.headers.authorization ?? null)
    respond(response, answers.get(request.url ?? ''))
  })
  const port = await listen(server)
  const origin = `http://127.0.0.1:${port}`
  return {
    index: `${origin}/pypi`,
    requests,
    authorizations,
    otherOrigin: `http://localhost:${port}`,
    publish(name, version, { filename, content, fields = {} }) {
      const digests = { sha256: sha256(content) }
      const url = `${origin}/files/${filename}`
      answers.set(`/files/${filename}`, { status: 200, body: content })
      const wheel = { packagetype: 'bdist_wheel', filename: 'x.whl', url, digests: { sha256: '0'.repeat(64) } }
      const urls = [wheel, { packagetype: 'sdist', filename, url, digests, ...fields }]
      answers.set(`/pypi/${name}/${version}/json`, { status: 200, body: JSON.stringify({ info: { name }, urls }) })
      return digests.sha256
    },
    answer: (path, status, body) => void answers.set(`/pypi/${path}`, { status, body }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function respond(response: ServerResponse, answer: { status: number; body: string | Buffer } | undefined): void {
  response.writeHead(answer?.status ?? 404)
  response.end(answer?.body ?? 'Not Found')
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}
