import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../../core/atomic-file.ts'
import { CurateError } from '../../core/errors.ts'
import { openObjectStore } from '../../core/object-store.ts'
import { packageRoot } from '../../core/package-root.ts'
import type { RayJobs } from './jobs.ts'
import { newSubmissionId, stopJob, submitProgram } from './submission.ts'
import type { Delivery } from './submission.ts'

/** What `curate node-facts` says of the machine it runs on. */
export const MachineFacts = z.object({
  host: z.string(),
  curate_version: z.string(),
  program_hash: z.string().describe('Of the files of the program'),
  node_version: z.string(),
  device: z.string().describe('What kernels would be judged on'),
  gpus: z.array(z.string()).describe('Models'),
  reads_folder: z.boolean().describe('Whether it sees what the asking machine wrote to the folder'),
  writes_folder: z.boolean(),
})
export type MachineFacts = z.infer<typeof MachineFacts>

const NodeFacts = MachineFacts.partial().extend({
  type: z.literal('node_facts'),
  host: z.string(),
  cores: z.number(),
  gpu_slots: z.number(),
  clock_skew_s: z.number().nullish().describe('Its clock minus that of the head'),
  error: z.string().nullable(),
})
/** A node of a cluster; `error` says why the rest is not there. */
export type NodeFacts = z.infer<typeof NodeFacts>

/** The file that nodes look for in the folder, and the word in it. */
export const TOKEN_FILE = 'token'

/** Asks every node of a cluster from within; `folder` is to be the work directory, which all must see. */
export async function probeCluster(
  jobs: RayJobs,
  delivery: Delivery & { readonly store: string | null },
  folder: string,
  signal: AbortSignal,
): Promise<NodeFacts[]> {
  const submissionId = newSubmissionId('probe')
  const root = delivery.package === 'shared' ? packageRoot : null
  const place = delivery.store === null ? join(folder, submissionId) : `${delivery.store}/${submissionId}`
  const config = { folder: place, package: root, needs_python: true }
  const store = delivery.store === null ? null : await openObjectStore(place)
  if (store === null) await writeFileAtomic(join(place, TOKEN_FILE), submissionId)
  else await store.write(TOKEN_FILE, submissionId)
  try {
    await submitProgram(jobs, delivery, { submissionId, program: 'probe.py', config, metadata: {} })
    return await answers(jobs, submissionId, signal)
  } finally {
    if (store === null) await rm(place, { recursive: true, force: true })
    else await store.remove(TOKEN_FILE)
  }
}

/** What kernels are judged on in a cluster: its kinds of GPU nodes, or of all nodes where there is no GPU. */
export function deviceOf(nodes: readonly NodeFacts[]): string {
  const usable = nodes.filter(({ device }) => device !== undefined)
  const withGpu = usable.filter(({ gpu_slots }) => gpu_slots > 0)
  const judging = withGpu.length > 0 ? withGpu : usable
  return [...new Set(judging.flatMap(({ device }) => device ?? []))].toSorted().join(' | ')
}

async function answers(jobs: RayJobs, submissionId: string, signal: AbortSignal): Promise<NodeFacts[]> {
  for (;;) {
    if (signal.aborted) await stopJob(jobs, submissionId)
    signal.throwIfAborted()
    const info = await jobs.info(submissionId)
    if (info === null || ['STOPPED', 'SUCCEEDED', 'FAILED'].includes(info.status)) {
      const log = info === null ? '' : await jobs.logs(submissionId)
      const nodes = log.split('\n').flatMap(parseFacts)
      if (info?.status === 'SUCCEEDED' && nodes.length > 0) return nodes
      const said = log.trim().slice(-1200) || info?.message || 'nothing is known of it'
      throw new CurateError('ray_job_failed', `the job that looks at the nodes failed: ${said}`, {
        hint: 'The head needs a Python with Ray (--engine-set python=...), and the work directory must be visible from it.',
      })
    }
    await sleep(1000, undefined, { signal }).catch(() => undefined)
  }
}

function parseFacts(line: string): NodeFacts[] {
  try {
    const parsed = NodeFacts.safeParse(JSON.parse(line))
    return parsed.success ? [parsed.data] : []
  } catch {
    return []
  }
}
