import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createSocket } from 'node:net'
import { onTestFinished } from 'vitest'
import { runProcess } from '../../../pipelines/core/process.ts'

/** A server of git repositories on this machine, and every request that it got. */
export interface GitServer {
  readonly url: string
  readonly requests: readonly { readonly path: string; readonly authorization: string | null }[]
}

/** Serves the repositories of a folder over http, as git's own `http-backend` does it. With a password, to nobody without. */
export async function serveHttp(root: string, options: { readonly password?: string } = {}): Promise<GitServer> {
  const backend = `${(await runProcess('git', ['--exec-path'])).stdout.trim()}/git-http-backend`
  const requests: { path: string; authorization: string | null }[] = []
  const wanted =
    options.password === undefined ? null : `Basic ${Buffer.from(`reader:${options.password}`).toString('base64')}`
  const server = createServer((request, response) => {
    const authorization = request.headers.authorization ?? null
    requests.push({ path: request.url ?? '', authorization })
    if (wanted !== null && authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="kernels"' }).end()
    } else answer(backend, root, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return { url: `http://127.0.0.1:${address.port}`, requests }
}

// One process of the backend for each request, as a web server runs CGI programs.
function answer(backend: string, root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const env = {
    PATH: process.env['PATH'],
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: url.pathname,
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    GIT_CONFIG_NOSYSTEM: '1',
  }
  const child = spawn(backend, { env, stdio: ['pipe', 'pipe', 'ignore'] })
  request.pipe(child.stdin)
  let head: Buffer | null = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === null) {
      response.write(chunk)
      return
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    const lines = head.subarray(0, end).toString('latin1').split('\r\n')
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
    )
    const status = Number.parseInt(headers.get('Status') ?? '200', 10)
    headers.delete('Status')
    response.writeHead(status, Object.fromEntries(headers))
    response.write(head.subarray(end + 4))
    head = null
  })
  child.stdout.on('end', () => response.end())
}

/** Serves the repositories of a folder with `git daemon`. */
export async function serveDaemon(root: string): Promise<GitServer> {
  const port = await freePort()
  const args = ['daemon', '--reuseaddr', '--export-all', '--listen=127.0.0.1', `--port=${port}`, `--base-path=${root}`]
  const child = spawn('git', [...args, root], { stdio: 'ignore', detached: true })
  onTestFinished(() => {
    if (child.pid !== undefined) process.kill(-child.pid)
  })
  const url = `git://127.0.0.1:${port}`
  for (;;) {
    const listed = await runProcess('git', ['ls-remote', `${url}/nothing.git`])
    if (!/refused/i.test(listed.stderr)) return { url, requests: [] }
    if (child.exitCode !== null) throw new Error('git daemon ended')
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket()
  await new Promise<void>((resolve) => socket.listen(0, '127.0.0.1', resolve))
  const address = socket.address()
  await new Promise((resolve) => socket.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
