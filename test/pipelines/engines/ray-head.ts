import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'

// An HTTP server that answers as the head of a Ray 2.60 cluster was seen to answer, word for word where words matter.

const Submission = z.object({
  submission_id: z.string(),
  entrypoint: z.string(),
  runtime_env: z.looseObject({ working_dir: z.string().optional() }),
  metadata: z.record(z.string(), z.string()),
})
export type Submission = z.infer<typeof Submission>

interface Job {
  status: 'PENDING' | 'RUNNING' | 'STOPPED' | 'SUCCEEDED' | 'FAILED'
  logs: string
}

export interface RayHead {
  readonly address: string
  readonly jobs: Map<string, Job>
  readonly submitted: Submission[]
  /** Names of packages that were uploaded, with their bytes, each time. */
  readonly uploads: { name: string; bytes: Buffer }[]
  readonly stopped: string[]
  /** How many requests from now on are cut off without an answer. */
  cut: number
  close(): Promise<void>
}

/** Starts a head; `work` is told of each submitted job and makes it go on. `token`: what callers must bring. */
export async function startRayHead(work: (job: Job, submission: Submission) => void, token?: string): Promise<RayHead> {
  const jobs = new Map<string, Job>()
  const submitted: Submission[] = []
  const uploads: { name: string; bytes: Buffer }[] = []
  const stopped: string[] = []
  const server = createServer((request, response) => void answer(request, response))
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(request, (piece) => Buffer.from(piece)))
    if (head.cut > 0) {
      head.cut -= 1
      request.socket.destroy()
      return
    }
    const { status, text } = reply(request, body)
    response.writeHead(status, { 'content-type': status === 200 ? 'application/json' : 'text/plain' }).end(text)
  }
  function reply(request: IncomingMessage, body: Buffer): { status: number; text: string } {
    const { method = '', url = '' } = request
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return { status: 401, text: 'Unauthorized: Missing authentication token' }
    }
    const looksLikeBrowser = Object.keys(request.headers).some((name) => name.startsWith('sec-fetch-'))
    if (method !== 'GET' && looksLikeBrowser) return { status: 405, text: 'Method Not Allowed for browser traffic.' }
    if (url === '/api/version') return json({ version: '4', ray_version: '2.60.0', ray_commit: 'b7f4259e' })
    const packed = /^\/api\/packages\/gcs\/([\w.]+)$/.exec(url)?.[1]
    if (packed !== undefined) return packages(method, packed, body)
    if (url === '/api/jobs/' && method === 'POST') return submit(body)
    const [, id = '', verb] = /^\/api\/jobs\/([\w-]+)(?:\/(logs|stop))?$/.exec(url) ?? []
    const job = jobs.get(id)
    if (job === undefined) return { status: 404, text: `Job ${id} does not exist` }
    if (verb === 'logs') return json({ logs: job.logs })
    if (verb === 'stop') {
      stopped.push(id)
      job.status = 'STOPPED'
      return json({ stopped: true })
    }
    return json({ type: 'SUBMISSION', submission_id: id, status: job.status, message: `It is ${job.status}.`, driver_exit_code: null }) // prettier-ignore
  }
  function packages(method: string, name: string, bytes: Buffer): { status: number; text: string } {
    if (method === 'PUT') uploads.push({ name, bytes })
    else if (!uploads.some((upload) => upload.name === name)) return { status: 404, text: `Package gcs://${name} does not exist` } // prettier-ignore
    return { status: 200, text: '' }
  }
  function submit(body: Buffer): { status: number; text: string } {
    const submission = Submission.parse(JSON.parse(body.toString('utf8')))
    const id = submission.submission_id
    if (jobs.has(id)) {
      const words = `ValueError: Job with submission_id ${id} already exists. Please use a different submission_id.`
      return { status: 500, text: `Traceback (most recent call last):\n  File "job_head.py", line 1\n${words}\n` }
    }
    const job: Job = { status: 'RUNNING', logs: '' }
    jobs.set(id, job)
    submitted.push(submission)
    work(job, submission)
    return json({ job_id: id, submission_id: id })
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const place = server.address()
  const port = typeof place === 'object' && place !== null ? place.port : 0
  const head: RayHead = {
    address: `http://127.0.0.1:${port}`,
    jobs,
    submitted,
    uploads,
    stopped,
    cut: 0,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return head
}

function json(value: unknown): { status: number; text: string } {
  return { status: 200, text: JSON.stringify(value) }
}
