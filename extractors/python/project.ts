import { posix } from 'node:path'
import { indexModule } from './modules.ts'
import type { PythonModule } from './modules.ts'
import { dottedName, moduleFinder } from './module-paths.ts'
import { openPythonParser } from './syntax.ts'

/** All Python files of a repository; each is parsed when it is first needed, and once. */
export interface PythonProject {
  readonly paths: readonly string[]
  /** Every file of the repository that was read, by path. */
  readonly files: ReadonlyMap<string, string>
  /** The module of a file, or null where it is no readable Python. */
  module(path: string): PythonModule | null
  /** The module an import means, seen from a module; `level` counts leading dots. Null for what is not in the repository. */
  importedModule(from: PythonModule, level: number, dotted: string): PythonModule | null
  /** The module `name` directly below a package. */
  submodule(package_: PythonModule, name: string): PythonModule | null
  /** Names of functions that stand inside something, among them those of all methods. */
  methodNames(): ReadonlySet<string>
  /** A definition that stands in for another of that dotted name. */
  replacement(dotted: string): PythonModule | null
}

/**
 * Opens the Python files of a repository. `replacements`: dotted name of a definition to Python text that binds its last part and
 * stands in for it.
 */
export async function openProject(
  files: ReadonlyMap<string, string>,
  replacements: Readonly<Record<string, string>> = {},
): Promise<PythonProject> {
  const parse = await openPythonParser()
  const paths = [...files.keys()].filter((path) => path.endsWith('.py')).toSorted((a, b) => (a < b ? -1 : 1))
  const known = new Set(paths)
  const find = moduleFinder(paths)
  const parsed = new Map<string, PythonModule | null>()

  function parseModule(path: string): PythonModule | null {
    const text = known.has(path) ? files.get(path) : undefined
    const { file } = text === undefined ? { file: null } : parse(path, text)
    return file === null ? null : indexModule(file, dottedName(path, known))
  }
  function module(path: string): PythonModule | null {
    const cached = parsed.get(path)
    if (cached !== undefined) return cached
    const indexed = parseModule(path)
    parsed.set(path, indexed)
    return indexed
  }
  function fileOf(from: PythonModule, level: number, dotted: string): string | null {
    if (level === 0) return find(dotted.split('.'), from.path)
    const base = posix.join(posix.dirname(from.path), '../'.repeat(level - 1), ...dotted.split('.'))
    return [`${base}.py`, posix.join(base, '__init__.py')].find((path) => known.has(path)) ?? null
  }
  function importedModule(from: PythonModule, level: number, dotted: string): PythonModule | null {
    const path = fileOf(from, level, dotted)
    return path === null ? null : module(path)
  }
  function submodule(package_: PythonModule, name: string): PythonModule | null {
    const folder = posix.dirname(package_.path)
    const file = posix.join(folder, `${name}.py`)
    return module(known.has(file) ? file : posix.join(folder, name, '__init__.py'))
  }
  const substitutes = new Map(
    Object.entries(replacements).map(([dotted, text]) => {
      const { file } = parse(`<${dotted}>`, text)
      return [dotted, file === null ? null : indexModule(file, dotted)]
    }),
  )
  let methods: ReadonlySet<string> | undefined
  function methodNames(): ReadonlySet<string> {
    methods ??= indentedFunctions([...paths.map((path) => files.get(path) ?? ''), ...Object.values(replacements)])
    return methods
  }
  const replacement = (dotted: string): PythonModule | null => substitutes.get(dotted) ?? null
  return { paths, files, module, importedModule, submodule, methodNames, replacement }
}

function indentedFunctions(texts: readonly string[]): Set<string> {
  const names = new Set<string>()
  for (const text of texts) {
    for (const [, name = ''] of text.matchAll(/^[ \t]+(?:async[ \t]+)?def[ \t]+(\w+)/gm)) names.add(name)
  }
  return names
}
