import type { z } from 'zod'
import type { Emit } from '../core/events.ts'
import type { Plugin } from '../core/plugin.ts'
import type { Wanted } from '../core/shard-commit.ts'
import type { ShardKey, StageName } from '../core/stage.ts'
import type { WorkDirectory } from '../core/work-directory.ts'

/** The shards of one stage that are to be run, and what an engine may use for it. */
export interface StageJob {
  readonly stage: StageName
  /** Names of the shards that are due. */
  readonly shards: readonly string[]
  /** The finished shards that they read. */
  readonly inputs: readonly ShardKey[]
  /** What a manifest must say to be that of a due shard. */
  readonly wanted: (shard: string) => Wanted
  /** Whether shards run again that were done: what was begun before is of no use then. */
  readonly isForced: boolean
  /** How many shards may run at once on one machine. */
  readonly concurrency: number
  /** The plan on disk and its hash: all that another machine needs besides the work directory. */
  readonly planFile: string
  readonly planHash: string
  readonly directories: WorkDirectory
  readonly signal: AbortSignal
  readonly emit: Emit
  /** Opens what runs shards in this process: gives whether a shard succeeded. */
  readonly open: () => Promise<{ run(shard: string): Promise<boolean>; close(): Promise<void> }>
  /** Asks the person at the terminal; null where there is none. */
  readonly ask: (question: string, choices: readonly string[]) => Promise<string | null>
}

/** What will be run, and where nodes find it. */
export interface DeviceQuestion {
  readonly stages: readonly StageName[]
  readonly workDirectory: string
  readonly signal: AbortSignal
}

/** Where shards run. However they do, each is committed by its first try, and a second is harmless. */
export interface Engine<Options = unknown> extends Plugin {
  readonly options: z.ZodType<Options>
  /** What kernels will be judged on, where that is not this machine; null where it is. */
  describeDevice?(asked: DeviceQuestion, options: Options): Promise<string | null>
  /** Runs shards and gives the names of those that failed; throws where nothing can run at all. */
  run(job: StageJob, options: Options): Promise<readonly string[]>
}
