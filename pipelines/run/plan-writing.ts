import { makeFolder } from '../core/folder.ts'
import { openLog } from '../core/log.ts'
import { acquireRunLock } from '../core/run-lock.ts'
import type { StageName } from '../core/stage.ts'
import { workDirectory } from '../core/work-directory.ts'
import { writeClusterDevice } from './cluster-device.ts'
import { prepare, requireInputs, withUnreachable } from './preparation.ts'
import type { RunRequest } from './preparation.ts'
import { retractShard } from '../core/shard-commit.ts'
import { writeRunPlan } from './run-plan.ts'
import { writeStagePlan } from './stage-plan.ts'
import { stages } from './stages.ts'

/** A plan on disk. */
export interface WrittenPlan {
  readonly path: string
  /** What is to be done, with its position in the plan; empty where everything is there, and then no file is written. */
  readonly shards: readonly { readonly shard: string; readonly index: number }[]
}

/** Plans one stage and writes what other schedulers need to run its shards; runs nothing. */
export async function writePlanOf(request: RunRequest, name: StageName): Promise<WrittenPlan> {
  const directories = workDirectory(request.baseDirectory, request.loaded.recipe.name)
  await makeFolder(directories.root)
  const release = await acquireRunLock(directories.runLockFile)
  try {
    const { planner, state, unreachable } = await prepare(request, directories, openLog(directories.logFile), true)
    await writeRunPlan(directories, withUnreachable(planner.allShards(), unreachable))
    const stage = stages.find((each) => each.name === name)
    if (stage === undefined) throw new TypeError(`there is no stage ${name}`)
    requireInputs(planner, stage, request)
    if (name === 'validate') await writeClusterDevice(directories, state.world.device, 'plan')
    const work = planner.plan(stage, request.force.includes(name))
    const due = work.filter(({ state }) => state === 'missing' || state === 'stale')
    const path = directories.stagePlanFile(name)
    if (due.length > 0) await writeStagePlan(path, stage, work, state)
    for (const shard of due) await retractShard(directories, { ...shard, stageVersion: stage.version })
    const planned = work.filter(({ state }) => state !== 'blocked').map(({ shard }) => shard)
    return { path, shards: due.map(({ shard }) => ({ shard, index: planned.indexOf(shard) })) }
  } finally {
    await release()
  }
}
