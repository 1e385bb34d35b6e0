import { importedNames, isImport } from './imports.ts'
import type { ImportedName } from './imports.ts'
import type { PythonModule } from './modules.ts'
import { boundNames } from './names.ts'
import type { SyntaxNode } from './syntax.ts'

/**
 * A module as the body of a function of it sees it: what the body imports, and gives no other value, counts as imported at the top.
 * The module itself where the body imports nothing.
 */
export function moduleInside(module: PythonModule, body: SyntaxNode): PythonModule {
  const known = VIEWS.get(body)
  if (known !== undefined) return known
  const imports = importsIn(module, body)
  const view = imports.size === 0 ? module : viewWith(module, imports)
  VIEWS.set(body, view)
  return view
}

/** The names that are variables of a body that sees a module so: what is imported for all of it is none. */
export function withoutImports(names: ReadonlySet<string>, { home, imports }: PythonModule): Set<string> {
  return new Set([...names].filter((name) => home === null || imports.get(name) === home.imports.get(name)))
}

/** Whether an import of a body binds nothing but names that are imported for all of it. */
export function isForAll(
  { module, locals }: { readonly module: PythonModule; readonly locals: ReadonlySet<string> },
  statement: SyntaxNode,
): boolean {
  return importedNames(module.file, statement).every(({ local }) => local !== '*' && !locals.has(local))
}

// What a view has worked out about its names is kept with it, so that there is one.
const VIEWS = new WeakMap<SyntaxNode, PythonModule>()

function importsIn({ file }: PythonModule, body: SyntaxNode): Map<string, ImportedName> {
  const imported = body.children.filter(isImport).flatMap((statement) => importedNames(file, statement))
  if (imported.length === 0) return new Map()
  const others = boundNames(file, { ...body, children: body.children.filter((statement) => !isImport(statement)) })
  const names = Map.groupBy(imported, ({ local }) => local)
  const clear = [...names].flatMap(([name, all]) => {
    const [only, ...more] = all
    return only === undefined || more.length > 0 || name === '*' || others.has(name) ? [] : [[name, only] as const]
  })
  return new Map(clear)
}

function viewWith(module: PythonModule, imports: ReadonlyMap<string, ImportedName>): PythonModule {
  const definitions = new Map([...module.definitions].filter(([name]) => !imports.has(name)))
  return { ...module, definitions, imports: new Map([...module.imports, ...imports]), home: module.home ?? module }
}
