import { join } from 'node:path'
import type { ShardKey, StageName } from './stage.ts'

/** Where things lie in the folder of one run. The whole state of a run is on disk, and only here. */
export interface WorkDirectory {
  readonly root: string
  /** The recipe as it was understood, defaults and overrides included. */
  readonly recipeFile: string
  /** Source to commit id: written by the first run, moved by `--update`. */
  readonly sourceLockFile: string
  readonly runLockFile: string
  /** The shards of each stage, as last planned. */
  readonly planFile: string
  /** Folders of tries at shards that are not finished; none of them counts. */
  readonly attempts: string
  readonly logFile: string
  /** Logs of processes that run shards for others: one file each. */
  readonly logs: string
  /** Answers of models, kept because they were paid for; the only thing here that a run cannot make again. */
  readonly answers: string
  /** Clones, builds and evaluations by content; safe to delete. */
  readonly cache: string
  shard(key: ShardKey): string
  /** Why the last try at a shard failed. */
  failureFile(key: ShardKey): string
  /** Everything that a machine needs to run a shard of a stage, as last planned. */
  stagePlanFile(stage: StageName): string
}

/** The folder of the run of recipe `name` under `base`. */
export function workDirectory(base: string, name: string): WorkDirectory {
  const root = join(base, name)
  return {
    root,
    recipeFile: join(root, 'recipe.resolved.yaml'),
    sourceLockFile: join(root, 'sources.lock.json'),
    runLockFile: join(root, 'run.lock'),
    planFile: join(root, 'plan.json'),
    attempts: join(root, 'attempts'),
    logFile: join(root, 'log.jsonl'),
    logs: join(root, 'logs'),
    answers: join(root, 'answers'),
    cache: join(base, 'cache'),
    shard: (key) => join(root, key.stage, key.shard),
    failureFile: (key) => join(root, 'failures', key.stage, `${key.shard}.json`),
    stagePlanFile: (stage) => join(root, 'plans', `${stage}.json`),
  }
}
