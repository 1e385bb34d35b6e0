import { isOptedOut } from '../../extractors/files/opt-out.ts'
import { mineRepository } from '../../extractors/mining.ts'
import type { MiningOptions, MiningReject } from '../../extractors/mining.ts'
import { openFileMiner } from '../../extractors/mining/file-miner.ts'
import type { FileMiner } from '../../extractors/mining/file-miner.ts'
import { languages } from '../../extractors/languages/registry.ts'
import { sources } from '../../extractors/sources/registry.ts'
import type { Language, Repository, Source } from '../../extractors/types.ts'
import { CurateError } from '../core/errors.ts'
import { enabledPlugins, pluginConfig } from '../core/plugin.ts'
import type { Enabled, Registry } from '../core/plugin.ts'
import { kernels } from '../core/records/kernel.ts'
import { rejects } from '../core/records/reject.ts'
import type { ShardSpec, Stage, StageContext, World } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import type { Recipe, SourceEntry } from './recipe.ts'

const VERSION = 5

/** Mines every source for kernels: one shard per source, which holds its kernels and what of it was not read. */
export const mineStage: Stage<Recipe, FileMiner> = {
  name: 'mine',
  version: VERSION,
  unit: 'files',
  tables: [kernels],
  // All shards share the threads that parse; two at a time let the network of one overlap with the parsing of another.
  concurrency: () => 2,
  plan: planMining,
  open: async (recipe) => openFileMiner(enabledPlugins<Language>(languages, recipe.mine.languages)),
  close: async (miner) => miner.close(),
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
  context: StageContext<Recipe, unknown>,
): Promise<{ entry: SourceEntry; repository: Repository }> {
  const { shard, world, cacheDirectory, signal, log } = context
  const entry = entryOf(context)
  const commitSha = world.sources.get(shard.shard) ?? null
  if (commitSha === null) throw unknownSource(shard.shard)
  const { plugin, options } = sourceOf(entry)
  return { entry, repository: await plugin.open(options, commitSha, { cacheDirectory, signal, log }) }
}

function entryOf({ recipe, shard }: StageContext<Recipe, unknown>): SourceEntry {
  const entry = recipe.sources.find(({ id }) => id === shard.shard)
  if (entry === undefined) throw unknownSource(shard.shard)
  return entry
}

function unknownSource(id: string): CurateError {
  return new CurateError('unknown_source', `there is no source ${id} at a known commit`, {
    hint: 'Run the plan again: the recipe changed while it ran.',
  })
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
      optedOut: isLeftAlone(entry, recipe),
    }
    return [{ stage: 'mine' as const, shard: entry.id, config, external: { commit }, inputs: [] }]
  })
}

/** Whether whoever owns a source asked not to be read. */
export function isLeftAlone(entry: SourceEntry, { mine }: Recipe): boolean {
  return isOptedOut(nameOf(entry), mine.opt_out)
}

function nameOf(entry: SourceEntry): string {
  const { plugin, options } = sourceOf(entry)
  return plugin.nameOf(options)
}

async function* runMining(context: StageContext<Recipe, FileMiner>): AsyncGenerator<TableRow> {
  const { opt_out } = context.recipe.mine
  const name = nameOf(entryOf(context))
  if (isOptedOut(name, opt_out)) {
    yield rejectRow(context, { path: name, reason: 'opted_out', detail: 'named under mine.opt_out', by: null })
    return
  }
  const { repository } = await openShardRepository(context)
  try {
    const mined = await mineRepository(repository, optionsOf(context))
    for (const kernel of mined.kernels) yield rowOf(kernels, kernel)
    for (const reject of mined.rejects) yield rejectRow(context, reject)
    context.log.info({ source: context.shard.shard, kernels: mined.kernels.length }, 'mined')
  } finally {
    await repository.close()
  }
}

function optionsOf(context: StageContext<Recipe, FileMiner>): MiningOptions {
  const { recipe, progress, signal, resource, cacheDirectory } = context
  const { id, include, exclude } = entryOf(context)
  const { limits } = recipe.mine
  return {
    source: id,
    include,
    exclude,
    maxFileBytes: limits.max_file_bytes,
    maxFiles: limits.max_files,
    vendored: limits.read_vendored,
    languages: enabledPlugins<Language>(languages, recipe.mine.languages),
    miner: resource,
    cacheDirectory,
    onProgress: (done, files) => {
      signal.throwIfAborted()
      if (done === 0) progress.expect(files)
      else progress.advance()
    },
  }
}

function rejectRow(context: StageContext<Recipe, FileMiner>, { path, reason, detail, by }: MiningReject): TableRow {
  const refusedBy = by ?? `mine@${VERSION}`
  const source = context.shard.shard
  return rowOf(rejects, { record_id: path, stage: 'mine', by: refusedBy, reason, detail, source })
}
