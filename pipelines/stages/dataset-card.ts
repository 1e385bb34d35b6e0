import { basename } from 'node:path'
import { z } from 'zod'
import type { CardInput, CardSource, ExportedConfig } from '../../exports/card/card-input.ts'
import type { DatasetFacts } from '../../exports/card/facts.ts'
import { renderYaml } from '../../exports/yaml-text.ts'
import { datasets } from '../../extractors/imports/datasets/registry.ts'
import type { DatasetMapping } from '../../extractors/imports/datasets/types.ts'
import { sources } from '../../extractors/sources/registry.ts'
import { filters } from '../../filters/registry.ts'
import { hashOf } from '../core/hash.ts'
import { packageVersion } from '../core/package-root.ts'
import { enabledPlugins, pluginName } from '../core/plugin.ts'
import type { Registry } from '../core/plugin.ts'
import { withoutSecrets } from '../core/secrets.ts'
import type { StageContext, World } from '../core/stage.ts'
import { INPUT_SOURCE } from './validated-input.ts'
import { datasetFunnel } from './dataset-funnel.ts'
import type { Recipe, SourceEntry } from './recipe.ts'

type Context = StageContext<Recipe, undefined>

/** Everything the dataset card says. */
export async function cardInput(
  context: Context,
  configs: readonly ExportedConfig[],
  facts: DatasetFacts,
): Promise<CardInput> {
  const { recipe } = context
  const registry: Registry = filters
  const { drawPlots } = await import('../../exports/card/plots.ts')
  return {
    name: recipe.name,
    description: recipe.description,
    repo: recipe.publish?.repo ?? null,
    card: recipe.export.card,
    configs,
    funnel: await datasetFunnel(context),
    sources: cardSources(context),
    sourceDatasets: sourceDatasets(recipe),
    filters: enabledPlugins(registry, recipe.filters).map(({ plugin }) => ({
      name: pluginName(plugin),
      summary: plugin.summary,
    })),
    facts,
    plots: drawPlots(facts),
    recipe: withoutSecrets(renderYaml(recipeOfDataset(recipe))),
    curateVersion: packageVersion,
  }
}

/** The recipe as far as it decides the rows. Where it was published is not part of how to make it again. */
export function recipeOfDataset(recipe: Recipe): Omit<Recipe, 'publish' | '$schema'> {
  const { publish: _, $schema: __, input, tokenizer, generate, ...made } = recipe
  // Where files lay says nothing of the dataset, and may name a person; their hashes are on the card and in the rows.
  const nameOf = (path: string | null): string | null => (path === null ? null : basename(path))
  const imports = generate.imports.map((entry) => ({ ...entry, path: importedName(entry, recipe) }))
  return { ...made, generate: { ...generate, imports }, input: nameOf(input), tokenizer: nameOf(tokenizer) }
}

type Import = Recipe['generate']['imports'][number]

// Where a reader of the dataset puts an imported file, beside the recipe.
function importedName({ id, path }: Import, { generate }: Recipe): string {
  const name = basename(path)
  const isAlone = generate.imports.filter((entry) => basename(entry.path) === name).length === 1
  return isAlone ? name : `${id}/${name}`
}

/** Commit of each source and SHA-256 of each imported file; null for what could not be reached. */
export function identitiesOf(recipe: Recipe, world: World): Record<string, string | null> {
  if (recipe.input !== null) return { [INPUT_SOURCE]: world.files.get(recipe.input) ?? null }
  const ofSources = recipe.sources.map(({ id }) => [id, world.sources.get(id) ?? null] as const)
  const ofImports = recipe.generate.imports.map(({ id, path }) => [id, world.files.get(path) ?? null] as const)
  return Object.fromEntries([...ofSources, ...ofImports])
}

/** The commits of the sources in the form a run reads them back in: with it the recipe makes the same dataset again. */
export function sourceLock({ recipe, world }: Context): Record<string, { options_hash: string; commit_sha: string }> {
  const locked = recipe.sources.flatMap((entry) => {
    const commit_sha = world.sources.get(entry.id)
    return typeof commit_sha === 'string' ? [[entry.id, { options_hash: hashOf(entry), commit_sha }] as const] : []
  })
  return Object.fromEntries(locked)
}

function cardSources({ recipe, world }: Context): CardSource[] {
  const identities = identitiesOf(recipe, world)
  if (recipe.input !== null) {
    const address = `file ${basename(recipe.input)}`
    return [{ id: INPUT_SOURCE, address, identity: identities[INPUT_SOURCE] ?? null }]
  }
  return [
    ...recipe.sources.map((entry) => ({
      id: entry.id,
      address: addressOf(entry),
      identity: identities[entry.id] ?? null,
    })),
    ...recipe.generate.imports.map((entry) => ({
      id: entry.id,
      address: `file ${importedName(entry, recipe)}`,
      identity: identities[entry.id] ?? null,
    })),
  ]
}

function sourceDatasets({ input, sources: mined, generate }: Recipe): string[] {
  if (input !== null) return []
  const known: Registry<DatasetMapping> = datasets
  const named = generate.imports.flatMap(({ dataset }) => {
    const { address = '', repository } = known[dataset ?? ''] ?? {}
    return repository !== undefined && address.startsWith(HUB_DATASETS) ? [repository] : []
  })
  return [...(mined.length > 0 ? ['original'] : []), ...new Set(named)].toSorted()
}

const HUB_DATASETS = 'https://huggingface.co/datasets/'

const Addressed = z.looseObject({ url: z.string().optional(), name: z.string().optional() })

function addressOf(entry: SourceEntry): string {
  const registry: Registry = sources
  const [enabled] = enabledPlugins(registry, entry)
  const options = Addressed.safeParse(enabled?.options).data
  return withoutSecrets(
    [enabled?.plugin.id, options?.url ?? options?.name].filter((part) => part !== undefined).join(' '),
  )
}
