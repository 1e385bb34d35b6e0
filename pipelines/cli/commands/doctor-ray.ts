import { resolve } from 'node:path'
import type { Finding } from '../../../validators/diagnosis.ts'
import { CurateError } from '../../core/errors.ts'
import { openRayJobs } from '../../engines/ray/jobs.ts'
import { programHash } from '../../engines/ray/package.ts'
import { probeCluster } from '../../engines/ray/probe.ts'
import type { NodeFacts } from '../../engines/ray/probe.ts'
import { RayOptions } from '../../engines/ray/options.ts'
import { rayToken } from '../../engines/ray/submission.ts'
import { packageVersion } from '../../core/package-root.ts'
import { selectEngine } from '../engine-selection.ts'

/** Clocks further apart than this make times in manifests and logs misleading, and some network file systems behave oddly. */
const MAX_SKEW_S = 5

/** What `curate doctor --engine ray` finds: whether a cluster can run shards, node by node. */
export async function diagnoseRay(sets: readonly string[], workDir: string, signal: AbortSignal): Promise<Finding[]> {
  const options = RayOptions.parse(selectEngine('ray', sets).options)
  const jobs = openRayJobs(options.address, rayToken())
  try {
    const version = await jobs.version()
    const head = { name: 'Ray head', ok: true, found: `Ray ${version} at ${options.address}`, remedy: '' }
    const nodes = await probeCluster(jobs, options, resolve(workDir), signal)
    const here = await programHash()
    return [head, ...nodes.flatMap((node) => findingsOf(node, here)), gpuFinding(nodes)]
  } catch (error) {
    if (!(error instanceof CurateError)) throw error
    return [{ name: 'Ray cluster', ok: false, found: error.message, remedy: error.hint }]
  }
}

function findingsOf(node: NodeFacts, here: string): Finding[] {
  const { host, error } = node
  if (error !== null) {
    const remedy =
      'Nodes need Node.js with npm (or --engine-set package=shared), Python, and to see the work directory.'
    return [{ name: host, ok: false, found: error.trim(), remedy }]
  }
  const skew = node.clock_skew_s ?? 0
  return [
    {
      name: `${host}: code`,
      ok: node.program_hash === here,
      found: `curate ${node.curate_version}, ${node.program_hash?.slice(0, 12)}, Node.js ${node.node_version}`,
      remedy: `It runs other code than this machine (${packageVersion}, ${here.slice(0, 12)}): shards would be refused.`,
    },
    {
      name: `${host}: folder`,
      ok: node.reads_folder === true && node.writes_folder === true,
      found:
        node.reads_folder === true ? 'the work directory is seen and written' : 'it does not see the work directory',
      remedy: 'Put --work-dir on a folder that every node mounts at the same path, and may write to.',
    },
    {
      name: `${host}: clock`,
      ok: Math.abs(skew) <= MAX_SKEW_S,
      found: `${skew.toFixed(2)} s from the head`,
      remedy: 'Set the clocks by NTP.',
    },
    {
      name: `${host}: device`,
      ok: (node.gpus?.length ?? 0) >= node.gpu_slots,
      found: `${node.cores} cores, ${node.gpu_slots} GPUs for Ray; ${node.gpus?.join(', ') || 'no GPU'}`,
      remedy:
        'Ray counts more GPUs there than the driver shows: look at nvidia-smi on it, or start it with --num-gpus.',
    },
  ]
}

function gpuFinding(nodes: readonly NodeFacts[]): Finding {
  const slots = nodes.reduce((sum, { gpu_slots }) => sum + gpu_slots, 0)
  const models = [...new Set(nodes.flatMap(({ gpus }) => gpus ?? []))]
  return {
    name: 'GPUs',
    ok: models.length <= 1,
    found: slots === 0 ? 'none: kernels are judged as on machines without one' : `${slots} (${models.join(', ')})`,
    remedy: 'Kernels are timed on GPUs of different models, so speedups of one dataset are not alike.',
  }
}
