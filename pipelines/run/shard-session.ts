import { toCurateError } from '../core/errors.ts'
import type { CurateError } from '../core/errors.ts'
import type { Emit } from '../core/events.ts'
import type { ShardProgress, Stage } from '../core/stage.ts'
import type { Recipe } from '../stages/recipe.ts'
import type { PlannedWork } from './plan.ts'
import type { RunState } from './run-state.ts'
import { finishedShard } from '../core/shard-commit.ts'
import { clearFailure, recordFailure } from './shard-failure.ts'
import { runShard } from './shard-runner.ts'

/** Runs shards of one stage in this process; what they share (parsers, judges) is opened once and stays warm. */
export interface ShardSession {
  /** Runs a shard, unless it is there already. A failure is told, recorded and given back; null for success. */
  run(work: PlannedWork): Promise<CurateError | null>
  close(): Promise<void>
}

/** Opens a session: the same for this machine's runs, for `curate shard`, and thereby for every node of a cluster. */
export async function openShardSession(
  stage: Stage<Recipe, unknown>,
  state: RunState<Recipe>,
  emit: Emit,
): Promise<ShardSession> {
  const { recipe, directories, signal } = state
  const resource = await stage.open?.(recipe, directories.cache, signal)
  return {
    run: (work) => runOne(stage, work, state, resource, emit),
    close: async () => stage.close?.(resource),
  }
}

async function runOne(
  stage: Stage<Recipe, unknown>,
  work: PlannedWork,
  state: RunState<Recipe>,
  resource: unknown,
  emit: Emit,
): Promise<CurateError | null> {
  const { stage: name, shard } = work
  const failureFile = state.directories.failureFile(work)
  emit({ type: 'shard_started', stage: name, shard })
  try {
    const present = await finishedShard(state.directories, { ...work, stageVersion: stage.version })
    const manifest = present ?? (await runShard(stage, work, state, resource, progressOf(work, state, emit)))
    await clearFailure(failureFile)
    emit({ type: 'shard_finished', stage: name, shard, manifest })
    return null
  } catch (thrown) {
    if (state.signal.aborted) return null
    const error = toCurateError(thrown)
    state.log.error(
      { stage: name, shard, code: error.code, message: error.message, stack: error.stack },
      'shard failed',
    )
    await recordFailure(failureFile, error)
    emit({ type: 'shard_failed', stage: name, shard, error })
    return error
  }
}

function progressOf({ stage, shard }: PlannedWork, { log }: RunState<Recipe>, emit: Emit): ShardProgress {
  let done = 0
  let total = 0
  const report = (): void => emit({ type: 'progress', stage, shard, done, total })
  return {
    expect(units) {
      total += units
      report()
    },
    advance(units = 1) {
      done += units
      report()
    },
    warn(message, hint) {
      log.warn({ stage, shard, hint }, message)
      emit({ type: 'warning', message, hint })
    },
  }
}
