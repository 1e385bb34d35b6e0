import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOf } from '../../pipelines/core/hash.ts'
import { workDirectory } from '../../pipelines/core/work-directory.ts'
import { ray } from '../../pipelines/engines/ray.ts'
import { RayOptions } from '../../pipelines/engines/ray/options.ts'
import type { StageJob } from '../../pipelines/engines/types.ts'
import { writePlanOf } from '../../pipelines/run/plan-writing.ts'
import { readStagePlan } from '../../pipelines/run/stage-plan.ts'
import { Recipe } from '../../pipelines/stages/recipe.ts'
import { DOUBLING_LIBRARY } from './small-library.ts'

/** A recipe with as many folders of one kernel each, planned for the engine `ray`: shards that take a moment. */
export async function plannedMining(base: string, shards: number) {
  const sources = Array.from({ length: shards }, (_, index) => ({
    id: `library-${index}`,
    folder: { path: join(base, 'sources', `library-${index}`) },
  }))
  for (const [index, { folder }] of sources.entries()) {
    await mkdir(folder.path, { recursive: true })
    await writeFile(join(folder.path, 'doubling.py'), DOUBLING_LIBRARY.replaceAll('2', String(index + 2)))
  }
  const recipe = Recipe.parse({ name: 'many', sources, mine: { languages: { triton: {} } }, filters: {}, export: { configs: {}, formats: {} } }) // prettier-ignore
  const options = RayOptions.parse({ package: 'shared', gpus: 1 })
  const shared = { signal: new AbortController().signal, emit: () => undefined, ask: async () => null }
  const request = {
    loaded: { recipe, path: join(base, 'many.yaml'), directory: base },
    baseDirectory: join(base, 'work'),
    stages: ['mine' as const],
    force: [],
    update: false,
    engine: { plugin: ray, options, isNamed: true },
    ...shared,
  }
  const { path, shards: due } = await writePlanOf(request, 'mine')
  const plan = await readStagePlan(path)
  const directories = workDirectory(request.baseDirectory, 'many')
  await mkdir(join(directories.root, 'jobs'), { recursive: true })
  const job: StageJob = {
    ...shared,
    stage: 'mine',
    shards: due.map(({ shard }) => shard),
    isForced: false,
    inputs: [],
    wanted(shard) {
      const planned = plan.shards.find((each) => each.shard === shard)
      const hashes = { configHash: planned?.config_hash ?? '', inputHash: planned?.input_hash ?? hashOf(shard) }
      return { stage: 'mine', shard, ...hashes, stageVersion: plan.stage_version }
    },
    concurrency: 1,
    planFile: path,
    planHash: plan.planHash,
    directories,
    open: () => Promise.reject(new Error('nothing runs here')),
  }
  return { base, job, options }
}
