import type { ImportedName } from './imports.ts'
import type { PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'

/** What a name or a chain of names means. `used` says how many parts of the chain that took. */
export type Meaning =
  /** Something the repository defines. */
  | { readonly kind: 'definition'; readonly module: PythonModule; readonly name: string; readonly used: number }
  /** A module of the repository. */
  | { readonly kind: 'module'; readonly module: PythonModule; readonly used: number }
  /** Something of a package that is not in the repository; `dotted` is its whole name: `torch.nn.functional.silu`. */
  | {
      readonly kind: 'external'
      readonly dotted: readonly string[]
      readonly imported: ImportedName
      readonly used: number
      /** How many parts of the chain stand for what the import binds; the others are its attributes. */
      readonly bound: number
    }
  /** A built-in, or a name that nobody defines. */
  | { readonly kind: 'unknown'; readonly name: string }

/** What a chain of names means at the top level of a module. */
export function resolveChain(project: PythonProject, module: PythonModule, parts: readonly string[]): Meaning {
  return replaced(project, lookUp(project, module, parts, 0, 0))
}

/** What an import, wherever it stands, binds. */
export function resolveImport(project: PythonProject, module: PythonModule, imported: ImportedName): Meaning {
  return replaced(project, follow(project, module, imported, [imported.local], 0, 0))
}

const MAX_HOPS = 30

// A chain is looked up part by part: `at` is the part to look up next, in `module`.
function lookUp(
  project: PythonProject,
  module: PythonModule,
  parts: readonly string[],
  at: number,
  hops: number,
): Meaning {
  const name = parts[at] ?? ''
  if (hops > MAX_HOPS) return { kind: 'unknown', name }
  if (module.definitions.has(name)) return { kind: 'definition', module: module.home ?? module, name, used: at + 1 }
  const imported = module.imports.get(name)
  if (imported !== undefined) return follow(project, module, imported, parts, at, hops + 1)
  for (const star of module.stars.toReversed()) {
    const target = project.importedModule(module, star.level, star.module)
    const meaning = target === null ? null : lookUp(project, target, parts, at, hops + 1)
    if (meaning !== null && meaning.kind !== 'unknown') return meaning
  }
  const submodule = module.isPackage ? project.submodule(module, name) : null
  return submodule === null ? { kind: 'unknown', name } : inModule(project, submodule, parts, at + 1, hops)
}

function inModule(
  project: PythonProject,
  module: PythonModule,
  parts: readonly string[],
  at: number,
  hops: number,
): Meaning {
  if (at >= parts.length) return { kind: 'module', module, used: at }
  const meaning = lookUp(project, module, parts, at, hops + 1)
  return meaning.kind === 'unknown' ? { kind: 'unknown', name: `${module.dotted}.${meaning.name}` } : meaning
}

function follow(
  project: PythonProject,
  from: PythonModule,
  imported: ImportedName,
  parts: readonly string[],
  at: number,
  hops: number,
): Meaning {
  if (imported.name === null) return followModule(project, from, imported, parts, at, hops)
  const target = project.importedModule(from, imported.level, imported.module)
  // A package that imports its own module by name (`from pkg import sub` in pkg/__init__.py) means the file.
  if (target !== null && target !== (from.home ?? from)) {
    const meaning = lookUp(project, target, [imported.name, ...parts.slice(at + 1)], 0, hops + 1)
    if (meaning.kind !== 'unknown') return later(meaning, at)
  }
  // `from package import module`, where the package is a folder without `__init__.py` (PEP 420).
  const inside = imported.module === '' ? imported.name : `${imported.module}.${imported.name}`
  const submodule = project.importedModule(from, imported.level, inside)
  if (submodule !== null) return inModule(project, submodule, parts, at + 1, hops)
  if (imported.level > 0 || target !== null) return { kind: 'unknown', name: inside }
  return external([...imported.module.split('.'), imported.name], imported, parts, at)
}

// `import a.b` binds `a`: the parts of the chain lead on into its modules.
function followModule(
  project: PythonProject,
  from: PythonModule,
  imported: ImportedName,
  parts: readonly string[],
  at: number,
  hops: number,
): Meaning {
  const base = (imported.bound ?? imported.module).split('.')
  for (let more = parts.length - at - 1; more >= 0; more -= 1) {
    const dotted = [...base, ...parts.slice(at + 1, at + 1 + more)].join('.')
    const module = project.importedModule(from, 0, dotted)
    if (module !== null) return inModule(project, module, parts, at + 1 + more, hops)
  }
  return external(base, imported, parts, at)
}

function external(base: readonly string[], imported: ImportedName, parts: readonly string[], at: number): Meaning {
  return { kind: 'external', dotted: [...base, ...parts.slice(at + 1)], imported, used: parts.length, bound: at + 1 }
}

// The same, where it was looked up from a later part of the chain.
function later(meaning: Exclude<Meaning, { kind: 'unknown' }>, count: number): Meaning {
  const used = meaning.used + count
  return meaning.kind === 'external' ? { ...meaning, used, bound: meaning.bound + count } : { ...meaning, used }
}

function replaced(project: PythonProject, meaning: Meaning): Meaning {
  if (meaning.kind === 'definition') {
    const module = project.replacement(`${meaning.module.dotted}.${meaning.name}`)
    return module === null ? meaning : inReplacement(project, module, meaning.name, [], meaning.used)
  }
  if (meaning.kind !== 'external') return meaning
  for (let length = meaning.dotted.length; length > 0; length -= 1) {
    const module = project.replacement(meaning.dotted.slice(0, length).join('.'))
    if (module === null) continue
    const rest = meaning.dotted.slice(length)
    return inReplacement(project, module, meaning.dotted[length - 1] ?? '', rest, meaning.used - rest.length)
  }
  return meaning
}

// What a replacement binds, by a definition or by an import of its own.
function inReplacement(
  project: PythonProject,
  module: PythonModule,
  name: string,
  rest: readonly string[],
  used: number,
): Meaning {
  const meaning = lookUp(project, module, [name, ...rest], 0, 0)
  return meaning.kind === 'unknown' ? meaning : later(meaning, used - 1)
}
