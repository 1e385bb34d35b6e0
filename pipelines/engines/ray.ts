import { local } from './local.ts'
import { judges, submit, takeUp } from './ray/job.ts'
import { openRayJobs } from './ray/jobs.ts'
import { RayOptions } from './ray/options.ts'
import { deviceOf, probeCluster } from './ray/probe.ts'
import { openStorage } from './ray/storage.ts'
import { rayToken } from './ray/submission.ts'
import { watch } from './ray/watch.ts'
import type { Engine } from './types.ts'

/** A Ray cluster, through the Jobs interface of its head. Nodes share the work directory with this machine, or an object store. */
export const ray: Engine<RayOptions> = {
  id: 'ray',
  version: 1,
  summary: 'A Ray cluster (docs/scale-out.md)',
  options: RayOptions,
  async describeDevice({ stages, workDirectory, signal }, options) {
    if (!stages.some((stage) => judges(stage) && options.stages.includes(stage))) return null
    const jobs = openRayJobs(options.address, rayToken())
    return deviceOf(await probeCluster(jobs, options, workDirectory, signal))
  },
  async run(job, options) {
    if (!options.stages.includes(job.stage)) return local.run(job, {})
    const jobs = openRayJobs(options.address, rayToken())
    const storage = await openStorage(job.directories, options.store)
    const record = (await takeUp(job, jobs, options)) ?? (await submit(job, jobs, storage, options))
    return watch(job, jobs, storage, record)
  },
}
