import { parse } from 'yaml'
import { z } from 'zod'
import type { Rewrite } from './linked-statements.ts'
import type { Problem } from './links.ts'
import type { ModuleStatement, PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'
import { resolveChain } from './resolution.ts'
import { argumentsOf, fieldOf, nameChain, textOf, walk } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/** A function that looks things up by name: its dotted name to the table it reads, a YAML file or the dotted name of a dict. */
export type Lookups = Readonly<Record<string, string>>

/**
 * Puts what a call looks up in its place: `get_tuned_config("mm")` becomes the `triton.Config`s that the YAML file lists under `mm`,
 * `get_heuristic_config("mm")` the entry `mm` of the dict. A key that the table lacks is a problem.
 */
export function inlineLookups(
  project: PythonProject,
  lookups: Lookups,
  module: PythonModule,
  statement: ModuleStatement,
): readonly Rewrite[] | Problem {
  const rewrites: Rewrite[] = []
  if (Object.keys(lookups).length === 0) return rewrites
  for (const call of walk(statement.node)) {
    const table = call.type === 'call' ? tableOf(project, lookups, module, call) : null
    if (table === null) continue
    const found = lookUp(project, table, module, call)
    if (found === null) return { reason: 'unresolved_name', detail: `${textOf(module.file, call)} in ${module.path}` }
    rewrites.push(found)
  }
  return rewrites
}

function tableOf(project: PythonProject, lookups: Lookups, module: PythonModule, call: SyntaxNode): string | null {
  const callee = fieldOf(call, 'function')
  const parts = callee === null ? null : nameChain(module.file, callee)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  return meaning?.kind === 'definition' ? (lookups[`${meaning.module.dotted}.${meaning.name}`] ?? null) : null
}

function lookUp(project: PythonProject, table: string, module: PythonModule, call: SyntaxNode): Rewrite | null {
  const [first] = argumentsOf(module.file, call).positional
  const key = first?.type === 'string' ? textOf(module.file, first).replaceAll(/["']/g, '') : null
  if (key === null) return null
  const { start, end } = call
  if (/\.ya?ml$/.test(table)) {
    const text = configurations(project.files.get(table) ?? '', key)
    return text === null ? null : { start, end, text, needs: 'triton', sources: [], piece: null }
  }
  const entry = dictionaryEntry(project, table, key)
  if (entry === null) return null
  const piece = { ...entry, isLocal: () => false, skip: [] }
  return { start, end, text: '', needs: null, sources: [], piece }
}

function dictionaryEntry(
  project: PythonProject,
  dotted: string,
  key: string,
): { module: PythonModule; node: SyntaxNode } | null {
  const parts = dotted.split('.')
  const name = parts.pop() ?? ''
  const file = project.paths.find((path) => `/${path}`.endsWith(`/${parts.join('/')}.py`))
  const module = file === undefined ? null : project.module(file)
  const assignment = module?.definitions.get(name)?.[0]?.node.children[0]
  const value = assignment === undefined ? null : fieldOf(assignment, 'right')
  const pair = value?.children.find((child) => {
    const written = fieldOf(child, 'key')
    return module !== null && written !== null && textOf(module.file, written).replaceAll(/["']/g, '') === key
  })
  const node = pair === undefined ? null : fieldOf(pair, 'value')
  return module === null || node === null ? null : { module, node }
}

const Scalar = z.union([z.number(), z.boolean(), z.string()])
const Meta = z.record(z.string(), Scalar)
const Entry = z.looseObject({
  META: Meta.optional(),
  gen: z.boolean().optional(),
  param_map: z.looseObject({ META: z.union([z.string(), Meta]) }).optional(),
})
type Entry = z.infer<typeof Entry>

const SETTINGS = ['num_warps', 'num_stages', 'num_ctas']
const MAX_CONFIGURATIONS = 200

// Entries list their meta parameters under META, or name lists to combine under `param_map`.
function configurations(text: string, key: string): string | null {
  const table = z.record(z.string(), z.unknown()).safeParse(parseTable(text))
  const entries = z.array(Entry).safeParse(table.success ? table.data[key] : undefined)
  if (!entries.success) return null
  const configs = entries.data.flatMap((entry) => (entry.gen === true ? combined(entry) : [entry]))
  if (configs.length === 0 || configs.length > MAX_CONFIGURATIONS) return null
  return `[\n${configs.map((config) => `        ${configText(config)},\n`).join('')}    ]`
}

// The last table that was asked for: a repository has one, of thousands of lines, and hundreds of kernels ask.
let lastTable: { readonly text: string; readonly value: unknown } | null = null

function parseTable(text: string): unknown {
  if (lastTable?.text === text) return lastTable.value
  lastTable = { text, value: parsed(text) }
  return lastTable.value
}

function parsed(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return null
  }
}

function combined(entry: Entry): Entry[] {
  const map = entry.param_map
  if (map === undefined) return []
  // A number stands for itself, a name for the list of that name.
  const values = (source: unknown): unknown[] => {
    if (typeof source !== 'string') return [source]
    const list = entry[source]
    return Array.isArray(list) ? list : []
  }
  const metas =
    typeof map.META === 'string'
      ? values(map.META).map((meta) => Meta.safeParse(meta).data ?? {})
      : combinedMeta(map.META, values)
  let configs: Entry[] = metas.map((meta) => ({ META: meta }))
  for (const setting of SETTINGS) {
    if (map[setting] === undefined) continue
    configs = configs.flatMap((config) => values(map[setting]).map((value) => ({ ...config, [setting]: value })))
  }
  return configs
}

function combinedMeta(sources: z.infer<typeof Meta>, values: (source: unknown) => unknown[]): z.infer<typeof Meta>[] {
  return Object.entries(sources).reduce<z.infer<typeof Meta>[]>(
    (metas, [name, source]) =>
      metas.flatMap((meta) => values(source).map((value) => ({ ...meta, [name]: Scalar.safeParse(value).data ?? 0 }))),
    [{}],
  )
}

function configText(config: Entry): string {
  const meta = Object.entries(config.META ?? {}).map(([name, value]) => `"${name}": ${pythonScalar(value)}`)
  const settings = SETTINGS.flatMap((name) => (typeof config[name] === 'number' ? [`${name}=${config[name]}`] : []))
  return `triton.Config({${meta.join(', ')}}${settings.map((setting) => `, ${setting}`).join('')})`
}

function pythonScalar(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}
