import { resolve } from 'node:path'
import { loadRecipe } from '../../config/load-recipe.ts'
import { writePlanOf } from '../../run/plan-writing.ts'
import { selectEngine } from '../engine-selection.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { formatCount } from '../reporter/units.ts'
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
  const ranges = rangesOf(shards.map(({ index }) => index))
  const text =
    shards.length === 0
      ? `Nothing to do: every shard of ${stage} is done.`
      : [
          `${formatCount(shards.length, 'shard')} of ${stage} to do, each with: curate shard --plan ${path} --index NUMBER`,
          `numbers: ${ranges}`,
        ].join('\n')
  reporter.result(text, { plan: shards.length === 0 ? null : path, indexes: ranges, shards })
  return 0
}

/** Numbers as array jobs take them: `0-3,7`. */
function rangesOf(numbers: readonly number[]): string {
  const runs: { first: number; last: number }[] = []
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last?.last === number - 1) last.last = number
    else runs.push({ first: number, last: number })
  }
  return runs.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(',')
}
