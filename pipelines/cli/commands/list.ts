import { datasetConfigs } from '../../../exports/configs/registry.ts'
import { exportFormats } from '../../../exports/formats/registry.ts'
import { datasets } from '../../../extractors/imports/datasets/registry.ts'
import { rowFiles } from '../../../extractors/imports/row-files/registry.ts'
import { importFormats } from '../../../extractors/imports/registry.ts'
import { languages } from '../../../extractors/languages/registry.ts'
import { pairingMethods } from '../../../extractors/pairing/registry.ts'
import { reasoningSources } from '../../../extractors/reasoning/registry.ts'
import { sources } from '../../../extractors/sources/registry.ts'
import { filters } from '../../../filters/registry.ts'
import { z } from 'zod'
import { engines } from '../../engines/registry.ts'
import { bundledRecipes } from '../../config/load-recipe.ts'
import { pluginName } from '../../core/plugin.ts'
import type { Plugin, Registry } from '../../core/plugin.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { renderTable } from '../reporter/text-table.ts'

/** Every registry by the place its plug-ins are named in a recipe. */
const REGISTRIES: Readonly<Record<string, Registry>> = {
  'sources[]': sources,
  'sources[].rows.dataset': rowFiles,
  'mine.languages': languages,
  'pair.methods': pairingMethods,
  'pair.reasoning': reasoningSources,
  'generate.imports[]': importFormats,
  'generate.imports[].dataset': datasets,
  filters,
  'export.configs': datasetConfigs,
  'export.formats': exportFormats,
  '--engine': engines,
}

/** `curate list`: every plug-in with its version and options, and the bundled recipes. */
export async function listPlugins(reporter: Reporter): Promise<number> {
  const plugins = Object.entries(REGISTRIES).flatMap(([place, registry]) =>
    Object.values(registry).map((plugin) => ({
      place,
      plugin: pluginName(plugin),
      summary: plugin.summary,
      options: describeOptions(plugin),
    })),
  )
  const recipes = Object.fromEntries(await bundledRecipes())
  const rows = plugins.map(({ place, plugin, summary, options }) => [
    place,
    plugin,
    [summary, ...options.map(({ name, text }) => `  ${name}: ${text}`)].join('\n'),
  ])
  const table = renderTable(['in a recipe', 'plug-in', 'what it does'], rows)
  // Not in the table: a path that is cut helps nobody.
  const lines = Object.entries(recipes).map(([name, path]) => `  ${name}: ${path}`)
  reporter.result([table, '', 'bundled recipes', ...lines].join('\n'), { plugins, recipes })
  return 0
}

const Options = z.looseObject({
  properties: z
    .record(z.string(), z.looseObject({ description: z.string().optional(), default: z.unknown().optional() }))
    .default({}),
})

function describeOptions(plugin: Plugin): { name: string; text: string }[] {
  const { properties } = Options.parse(z.toJSONSchema(plugin.options, { io: 'input', unrepresentable: 'any' }))
  return Object.entries(properties).map(([name, property]) => {
    const initial = property.default === undefined ? '' : ` (default ${JSON.stringify(property.default)})`
    return { name, text: `${property.description ?? ''}${initial}` }
  })
}
