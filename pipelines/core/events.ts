import type { CurateError } from './errors.ts'
import type { Manifest } from './manifest.ts'
import type { ShardKey, StageName } from './stage.ts'

/** Why a shard runs, or that it need not. */
export type ShardState = 'done' | 'missing' | 'stale' | 'blocked'

/** One shard of a plan with the reason for its state. */
export interface PlannedShard extends ShardKey {
  readonly state: ShardState
  /** `config`, `inputs`, `stage version`, `outputs`, ... in words a person understands; empty for done shards. */
  readonly reason: string
}

/** What a run tells its reporter. The terminal, the JSON stream and the tests consume the same events. */
export type RunEvent =
  | { readonly type: 'run_started'; readonly recipe: string; readonly directory: string }
  | {
      readonly type: 'stage_planned'
      readonly stage: StageName
      readonly unit: string
      readonly shards: readonly PlannedShard[]
    }
  | { readonly type: 'shard_started'; readonly stage: StageName; readonly shard: string }
  | {
      readonly type: 'progress'
      readonly stage: StageName
      readonly shard: string
      readonly done: number
      readonly total: number
    }
  | { readonly type: 'shard_finished'; readonly stage: StageName; readonly shard: string; readonly manifest: Manifest }
  | { readonly type: 'shard_failed'; readonly stage: StageName; readonly shard: string; readonly error: CurateError }
  | { readonly type: 'stage_finished'; readonly stage: StageName; readonly duration_ms: number }
  | { readonly type: 'warning'; readonly message: string; readonly hint: string }
  | { readonly type: 'run_finished'; readonly outcome: RunOutcome }

/** `nothing_to_do`: every shard was done before. */
export type RunOutcome = 'done' | 'nothing_to_do' | 'incomplete' | 'interrupted'

export type Emit = (event: RunEvent) => void
