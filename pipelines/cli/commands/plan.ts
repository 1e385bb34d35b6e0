import { resolve } from 'node:path'
import { loadRecipe } from '../../config/load-recipe.ts'
import { writePlanOf } from '../../run/plan-writing.ts'
import { selectEngine } from '../engine-selection.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { stageName } from './run.ts'

/** Flags of `curate plan`. */
export interface PlanOptions {
  readonly recipe: string
  readonly stage: string
  readonly set: readonly string[]
  readonly workDir: string
}

/** `curate plan`: writes the plan of a stage, and says how its shards are run. */
export async function planShards(options: PlanOptions, reporter: Reporter, signal: AbortSignal): Promise<number> {
  const stage = stageName(options.stage)
  const { path, shards } = await writePlanOf(
    {
      loaded: await loadRecipe(options.recipe, options.set),
      baseDirectory: resolve(options.workDir),
      stages: [stage],
      force: [],
      update: false,
      engine: selectEngine('local', []),
      signal,
      emit: reporter.emit,
      ask: async () => null,
    },
    stage,
  )
  const text =
    shards.length === 0
      ? `Nothing to do: every shard of ${stage} is done.`
      : `${path}\n${shards.length} shards: curate shard --plan ${path} --index 0 (to ${shards.length - 1})`
  reporter.result(text, { plan: shards.length === 0 ? null : path, shards })
  return 0
}
