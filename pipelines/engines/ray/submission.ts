import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { CurateError } from '../../core/errors.ts'
import { packageRoot } from '../../core/package-root.ts'
import type { RayJobs } from './jobs.ts'
import { packProgram } from './package.ts'

/** What is submitted: a program of `pipelines/engines/ray` and the file with its configuration. */
export interface Submission {
  readonly submissionId: string
  readonly program: 'driver.py' | 'probe.py'
  /** The file with its configuration, where nodes see it, or the configuration itself. */
  readonly config: string | object
  readonly metadata: Readonly<Record<string, string>>
}

/** How programs get to the nodes. */
export interface Delivery {
  readonly package: 'upload' | 'shared'
  readonly python: string
}

/** A name for a job that no other has: Ray answers a used one with an error. */
export function newSubmissionId(what: string): string {
  return `curate-${what}-${randomBytes(6).toString('hex')}`
}

/** Brings the program to the cluster, where that is wanted and it is not there yet, and submits the job. */
export async function submitProgram(jobs: RayJobs, { package: how, python }: Delivery, submission: Submission) {
  const { submissionId, program, config, metadata } = submission
  const packed = how === 'upload' ? await packProgram() : null
  if (packed !== null && !(await jobs.hasPackage(packed.name))) await jobs.upload(packed.name, packed.zip)
  const script = join(packed === null ? packageRoot : '.', 'pipelines', 'engines', 'ray', program)
  await jobs.submit({
    submissionId,
    entrypoint: [python, script, typeof config === 'string' ? config : '-'].map(shellWord).join(' '),
    workingDirectory: packed?.uri ?? null,
    environment: typeof config === 'string' ? {} : { CURATE_JOB: inEnvironment(config) },
    metadata: { program: 'curate', ...metadata },
  })
}

/** Stops a job and waits until it has ended; false where it has not within half a minute. */
export async function stopJob(jobs: RayJobs, submissionId: string): Promise<boolean> {
  await jobs.stop(submissionId)
  for (let waited = 0; waited < 60; waited += 1) {
    const info = await jobs.info(submissionId)
    if (info === null || !['PENDING', 'RUNNING'].includes(info.status)) return true
    await sleep(500)
  }
  return false
}

/** The token of the cluster, where it wants one. */
export function rayToken(): string | null {
  return process.env['RAY_AUTH_TOKEN'] ?? null
}

// The longest string that Linux passes on (MAX_ARG_STRLEN, execve(2)).
const MAX_ENVIRONMENT_BYTES = 128 * 1024

function inEnvironment(config: object): string {
  const text = JSON.stringify(config)
  if (Buffer.byteLength(text) < MAX_ENVIRONMENT_BYTES - 1024) return text
  throw new CurateError('too_many_shards', 'the names of the shards are too long for a job without a shared folder', {
    hint: 'Use fewer shards, shorter ids of sources, or a work directory that all nodes share.',
  })
}

// Ray gives the entrypoint to a shell.
function shellWord(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
