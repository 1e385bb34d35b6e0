import { z } from 'zod'

/** What every plug-in says of itself: help, defaults, the JSON Schema of recipes and the hashes of shards come from here. */
export interface Plugin<Options = unknown> {
  /** The name used in recipes; the same as the file's name. */
  readonly id: string
  /** Raised by every change that alters output for the same input. */
  readonly version: number
  /** One line for `curate list` and the documentation. */
  readonly summary: string
  /** Its settings in a recipe, with defaults and descriptions. */
  readonly options: z.ZodType<Options>
}

/** A plug-in's name as written into rows and manifests: `speedup@1`. */
export function pluginName(plugin: Pick<Plugin, 'id' | 'version'>): string {
  return `${plugin.id}@${plugin.version}`
}

/** A registry: plug-in id to plug-in. Adding one is adding a line to such a table. */
export type Registry<Member extends Plugin = Plugin> = Readonly<Record<string, Member>>

/** The section of a recipe that switches plug-ins on by naming them: id to options, an unknown id being an error. */
export function optionsByPlugin(registry: Registry): z.ZodType<Record<string, unknown>, Record<string, unknown>> {
  return z.strictObject(optionShapes(registry))
}

/** The keys of such a section, for schemas that have other keys beside them. */
export function optionShapes(registry: Registry): Record<string, z.ZodOptional<z.ZodType>> {
  return Object.fromEntries(
    Object.values(registry).map((plugin) => [plugin.id, plugin.options.optional().describe(plugin.summary)]),
  )
}

/** A plug-in of a recipe with its options as the plug-in declared them. */
export interface Enabled<Member extends Plugin> {
  readonly plugin: Member
  readonly options: unknown
}

/** The plug-ins a recipe names, in the order of the registry, which is the order they run in. */
export function enabledPlugins<Member extends Plugin>(
  registry: Registry<Member>,
  section: Readonly<Record<string, unknown>>,
): Enabled<Member>[] {
  return Object.values(registry)
    .filter((plugin) => section[plugin.id] !== undefined)
    .map((plugin) => ({ plugin, options: section[plugin.id] }))
}

/** What a shard's configuration hash must hold of the plug-ins it uses. */
export function pluginConfig(enabled: readonly Enabled<Plugin>[]): unknown {
  return enabled.map(({ plugin, options }) => ({ plugin: pluginName(plugin), options }))
}
