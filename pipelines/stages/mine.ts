import { mineRepository } from '../../extractors/mining.ts'
import { languages } from '../../extractors/languages/registry.ts'
import { sources } from '../../extractors/sources/registry.ts'
import type { Repository, Source } from '../../extractors/types.ts'
import { CurateError } from '../core/errors.ts'
import { enabledPlugins, pluginConfig } from '../core/plugin.ts'
import type { Enabled, Registry } from '../core/plugin.ts'
import { kernels } from '../core/records/kernel.ts'
import { rejects } from '../core/records/reject.ts'
import type { ShardSpec, Stage, StageContext, World } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import type { Recipe, SourceEntry } from './recipe.ts'

const VERSION = 3

/** Mines every source for kernels: one shard per source, which holds its kernels and what of it was not read. */
export const mineStage: Stage<Recipe> = {
  name: 'mine',
  version: VERSION,
  unit: 'files',
  tables: [kernels],
  // Parsing keeps one core busy; two shards let the network of one overlap with the parsing of another.
  concurrency: () => 2,
  plan: planMining,
  run: runMining,
}

/** The source plug-in of an entry, and the entry's options for it. */
export function sourceOf(entry: SourceEntry): Enabled<Source> {
  const registry: Registry<Source> = sources
  const [enabled] = enabledPlugins(registry, entry)
  if (enabled === undefined) throw new TypeError(`the source ${entry.id} names no kind of source`)
  return enabled
}

/** The repository that a shard named after its source reads. */
export async function openShardRepository(
  context: StageContext<Recipe, undefined>,
): Promise<{ entry: SourceEntry; repository: Repository }> {
  const { recipe, shard, world, cacheDirectory, signal, log } = context
  const entry = recipe.sources.find(({ id }) => id === shard.shard)
  const commitSha = world.sources.get(shard.shard) ?? null
  if (entry === undefined || commitSha === null) {
    throw new CurateError('unknown_source', `there is no source ${shard.shard} at a known commit`, {
      hint: 'Run the plan again: the recipe changed while it ran.',
    })
  }
  const { plugin, options } = sourceOf(entry)
  return { entry, repository: await plugin.open(options, commitSha, { cacheDirectory, signal, log }) }
}

// A source that could not be reached has no commit and gets no shard: the run reports it and goes on with the others.
function planMining(recipe: Recipe, world: World): ShardSpec[] {
  const registry: Registry = languages
  return recipe.sources.flatMap((entry) => {
    const commit = world.sources.get(entry.id) ?? null
    if (commit === null) return []
    const config = {
      source: entry,
      kinds: pluginConfig([sourceOf(entry)]),
      languages: pluginConfig(enabledPlugins(registry, recipe.mine.languages)),
      limits: recipe.mine.limits,
    }
    return [{ stage: 'mine' as const, shard: entry.id, config, external: { commit }, inputs: [] }]
  })
}

async function* runMining(context: StageContext<Recipe, undefined>): AsyncGenerator<TableRow> {
  const { recipe, progress, signal } = context
  const { entry, repository } = await openShardRepository(context)
  try {
    const { limits } = recipe.mine
    let total = 0
    const mined = await mineRepository(repository, {
      source: entry.id,
      include: entry.include,
      exclude: entry.exclude,
      maxFileBytes: limits.max_file_bytes,
      maxFiles: limits.max_files,
      languages: enabledPlugins(languages, recipe.mine.languages),
      onProgress: (done, files) => {
        signal.throwIfAborted()
        if (done === 0) progress.expect((total = files))
        else progress.advance()
      },
    })
    for (const kernel of mined.kernels) yield rowOf(kernels, kernel)
    for (const { path, reason, detail, by } of mined.rejects) {
      const refusedBy = by ?? `mine@${VERSION}`
      yield rowOf(rejects, { record_id: path, stage: 'mine', by: refusedBy, reason, detail, source: entry.id })
    }
    context.log.info({ source: entry.id, files: total, kernels: mined.kernels.length }, 'mined')
  } finally {
    await repository.close()
  }
}
