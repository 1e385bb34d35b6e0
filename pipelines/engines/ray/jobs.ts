import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { z } from 'zod'
import { CurateError, messageOf } from '../../core/errors.ts'

/** What Ray says of a job; https://docs.ray.io/en/latest/cluster/running-applications/job-submission/api.html. */
const JobInfo = z.looseObject({
  status: z.enum(['PENDING', 'RUNNING', 'STOPPED', 'SUCCEEDED', 'FAILED']),
  message: z.string().nullish(),
  driver_exit_code: z.int().nullish(),
})
export type JobInfo = z.infer<typeof JobInfo>

/** A job to submit. */
export interface JobRequest {
  /** New for every try: Ray answers a used one with an error. */
  readonly submissionId: string
  readonly entrypoint: string
  /** `gcs://NAME.zip` of an uploaded package; null to run what is on the nodes. */
  readonly workingDirectory: string | null
  readonly environment: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
}

/** The jobs of a Ray cluster, over the REST interface of its head. */
export interface RayJobs {
  /** Version of Ray. */
  version(): Promise<string>
  hasPackage(name: string): Promise<boolean>
  upload(name: string, zip: Uint8Array): Promise<void>
  submit(job: JobRequest): Promise<void>
  /** Null where the cluster knows no such job, such as after its head was started anew. */
  info(submissionId: string): Promise<JobInfo | null>
  /** Everything that the driver printed so far. */
  logs(submissionId: string): Promise<string>
  stop(submissionId: string): Promise<void>
}

/**
 * Speaks to a head at `address`, such as `http://head:8265`. Not with `fetch`: it sends `Sec-Fetch-Mode`, and Ray answers whatever looks
 * like a browser with 405 (`is_browser_request` in ray/dashboard/optional_utils.py).
 */
export function openRayJobs(address: string, token: string | null): RayJobs {
  const call = (method: string, path: string, body: Uint8Array | null = null): Promise<Reply> =>
    send({ address, token, method, path, body })
  const expectJson = async <Value>(schema: z.ZodType<Value>, method: string, path: string, body?: object) => {
    const reply = await call(method, path, body === undefined ? null : Buffer.from(JSON.stringify(body)))
    if (reply.status !== 200) throw refusal(address, reply)
    return parseReply(schema, address, reply)
  }
  return {
    version: async () => (await expectJson(Version, 'GET', '/api/version')).ray_version,
    async hasPackage(name) {
      const reply = await call('GET', `/api/packages/gcs/${name}`)
      if (reply.status === 200) return true
      if (reply.status === 404) return false
      throw refusal(address, reply)
    },
    async upload(name, zip) {
      const reply = await call('PUT', `/api/packages/gcs/${name}`, zip)
      if (reply.status !== 200) throw refusal(address, reply)
    },
    async submit({ submissionId, entrypoint, workingDirectory, environment, metadata }) {
      const runtime_env = {
        env_vars: environment,
        ...(workingDirectory === null ? {} : { working_dir: workingDirectory }),
      }
      await expectJson(z.looseObject({}), 'POST', '/api/jobs/', {
        submission_id: submissionId,
        entrypoint,
        runtime_env,
        metadata,
      })
    },
    async info(submissionId) {
      const reply = await call('GET', `/api/jobs/${submissionId}`)
      if (reply.status === 404) return null
      if (reply.status !== 200) throw refusal(address, reply)
      return parseReply(JobInfo, address, reply)
    },
    logs: async (submissionId) => (await expectJson(Logs, 'GET', `/api/jobs/${submissionId}/logs`)).logs ?? '',
    async stop(submissionId) {
      await expectJson(z.looseObject({}), 'POST', `/api/jobs/${submissionId}/stop`)
    },
  }
}

const Version = z.looseObject({ ray_version: z.string() })
const Logs = z.looseObject({ logs: z.string().nullish() })

const TIMEOUT_MS = 60_000
const MAX_REPLY_BYTES = 256 * 1024 * 1024

interface Call {
  readonly address: string
  readonly token: string | null
  readonly method: string
  readonly path: string
  readonly body: Uint8Array | null
}

interface Reply {
  readonly status: number
  readonly text: string
}

async function send({ address, token, method, path, body }: Call): Promise<Reply> {
  const url = new URL(path.slice(1), address.endsWith('/') ? address : `${address}/`)
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(body === null ? {} : { 'content-length': String(body.length) }),
    ...(body === null || method === 'PUT' ? {} : { 'content-type': 'application/json' }),
  }
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(url, { method, headers, timeout: TIMEOUT_MS }, resolve)
      sent.on('error', reject)
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
      sent.end(body ?? undefined)
    })
    return { status: response.statusCode ?? 0, text: await textOf(response) }
  } catch (error) {
    throw unreachable(address, messageOf(error) || 'connection refused', error)
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of response) {
    if (!Buffer.isBuffer(piece)) continue
    pieces.push(piece)
    length += piece.length
    if (length > MAX_REPLY_BYTES) throw new RangeError(`an answer of more than ${MAX_REPLY_BYTES} bytes`)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function parseReply<Value>(schema: z.ZodType<Value>, address: string, { status, text }: Reply): Value {
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw refusal(address, { status, text: `an answer that Ray does not give: ${text.slice(0, 200)}` }, error)
  }
}

/** The error for an address where no head answers. */
export function unreachable(address: string, problem: string, cause?: unknown): CurateError {
  return new CurateError('ray_unreachable', `no Ray head answers at ${address}: ${problem}`, {
    hint: 'Name the address of the dashboard with --engine-set address=http://HEAD:8265; `curate doctor --engine ray` looks closer.',
    retryable: true,
    cause,
  })
}

function refusal(address: string, { status, text }: Reply, cause?: unknown): CurateError {
  const [problem = ''] = text.trim().split('\n').slice(-1)
  if (status === 401 || status === 403) {
    return new CurateError('ray_refused', `the Ray head at ${address} wants a token (${status})`, {
      hint: 'Put the cluster’s token into RAY_AUTH_TOKEN.',
    })
  }
  return new CurateError('ray_refused', `the Ray head at ${address} answered ${status}: ${problem.slice(0, 300)}`, {
    hint: 'Check that the address is that of the dashboard of a Ray 2 cluster with the Jobs interface (`pip install "ray[default]"`).',
    retryable: status >= 500,
    cause,
  })
}
