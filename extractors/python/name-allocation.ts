import type { ClosureUnit, FixedName } from './linked-statements.ts'
import type { Link } from './links.ts'
import type { PythonModule } from './modules.ts'

/** The names that definitions and imports get in the file that is written. */
export interface AllocatedNames {
  /** Name of a definition of a module. */
  definition(module: PythonModule, name: string): string
  /** Local name of an import of another package. */
  external(link: Extract<Link, { to: 'external' }>): string
  /** The import lines, sorted. */
  readonly importLines: readonly string[]
}

/**
 * Gives every definition and import of a file its name: its own where no other has it, with a number behind it otherwise. A name is
 * also taken where a local variable would hide it at a place that used to spell it differently, and where another piece uses the
 * built-in of that name.
 */
export function allocateNames(
  units: readonly ClosureUnit[],
  pieceLinks: readonly Link[],
  reserved: ReadonlySet<string>,
  fixedName: FixedName,
): AllocatedNames {
  const links = [...units.flatMap((unit) => [...unit.links, ...unit.rewriteLinks]), ...pieceLinks]
  const builtins = new Set(links.flatMap((link) => (link.to === 'builtin' ? [link.name] : [])))
  const taken = new Set([...reserved, ...builtins])
  const hiding = hidingNames(links)
  const claim = (key: string, wanted: string): string => {
    const hidden = hiding.get(key) ?? new Set()
    let name = wanted
    for (let count = 2; taken.has(name) || hidden.has(name); count += 1) name = `${wanted}_${count}`
    taken.add(name)
    return name
  }
  const imports = allocateImports(links, claim)
  const definitions = new Map<string, string>()
  for (const { module, name } of boundDefinitions(units)) {
    const key = definitionKey(module, name)
    if (!definitions.has(key)) definitions.set(key, claim(key, name))
  }
  return {
    definition: (module, name) => fixedName(module, name) ?? definitions.get(definitionKey(module, name)) ?? name,
    external: (link) => imports.names.get(importKey(link)) ?? link.imported.local,
    importLines: imports.lines,
  }
}

function definitionKey(module: PythonModule, name: string): string {
  return `${module.path}::${name}`
}

function boundDefinitions(units: readonly ClosureUnit[]): { module: PythonModule; name: string }[] {
  return units.flatMap(({ module, statement }) => [...statement.binds].map((name) => ({ module, name })))
}

// For each thing the local names around the places that refer to it by another name than its own.
function hidingNames(links: readonly Link[]): Map<string, Set<string>> {
  const hiding = new Map<string, Set<string>>()
  for (const link of links) {
    if (link.to !== 'definition') continue
    const isOwnName = link.reference.parts.length === 1 && link.reference.name === link.name
    const key = definitionKey(link.module, link.name)
    const names = hiding.get(key) ?? new Set()
    if (!isOwnName) link.reference.shadows.forEach((name) => names.add(name))
    hiding.set(key, names)
  }
  return hiding
}

type ExternalLink = Extract<Link, { to: 'external' }>

// An import is the same where it binds the same thing to the same name.
function importKey({ imported }: Pick<ExternalLink, 'imported'>): string {
  return `${imported.bound ?? ''} ${imported.module} ${imported.name ?? ''} ${imported.local}`
}

function allocateImports(
  links: readonly Link[],
  claim: (key: string, wanted: string) => string,
): { names: Map<string, string>; lines: string[] } {
  const names = new Map<string, string>()
  const lines = new Set<string>()
  const externals = links.filter((link) => link.to === 'external')
  const sorted = externals.toSorted((a, b) => (importKey(a) < importKey(b) ? -1 : 1))
  const byLine = new Map<string, string>()
  for (const link of sorted) {
    const key = importKey(link)
    const { imported } = link
    const own = importLine(imported, imported.local)
    const name = names.get(key) ?? byLine.get(own) ?? claim(`import ${key}`, imported.local)
    names.set(key, name)
    byLine.set(own, name)
    lines.add(importLine(imported, name))
    for (const line of submoduleImports(link)) lines.add(line)
  }
  return { names, lines: [...lines].toSorted(importOrder) }
}

function importLine({ name, module, bound }: ExternalLink['imported'], local: string): string {
  if (name !== null) return `from ${module} import ${name}${name === local ? '' : ` as ${local}`}`
  const target = bound ?? module
  return `import ${target}${target === local ? '' : ` as ${local}`}`
}

// `import torch.distributed.tensor` also loads what `torch.distributed.tensor.x` needs; plain `import torch` does not, and code that
// relies on another file to have loaded it stands alone now.
function submoduleImports({ imported, dotted }: ExternalLink): string[] {
  if (imported.name !== null) return []
  const used = `${dotted.join('.')}.`
  const own = imported.bound === imported.module ? [] : [imported.module]
  const lazy = imported.bound === 'torch' ? LAZY_TORCH : []
  return [...own, ...lazy].filter((module) => used.startsWith(`${module}.`)).map((module) => `import ${module}`)
}

const LAZY_TORCH = [
  'torch.distributed.tensor',
  'torch.utils.cpp_extension',
  'torch.utils.benchmark',
  'torch.nn.attention.flex_attention',
]

function importOrder(a: string, b: string): number {
  const rank = (line: string): number => (line.startsWith('import ') ? 0 : 1)
  return rank(a) - rank(b) || (a < b ? -1 : 1)
}
