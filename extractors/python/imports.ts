import { fieldOf, fieldsOf, textOf, walk } from './syntax.ts'
import type { PythonFile, SyntaxNode } from './syntax.ts'

/** One name that an import statement binds. */
export interface ImportedName {
  /** The name it has in the file; `*` for a star import. */
  readonly local: string
  /** Dots before the module: 0 for an absolute import. */
  readonly level: number
  /** The module as written, without leading dots; empty for `from . import x`. */
  readonly module: string
  /** The name taken from the module, or null where a module is bound. */
  readonly name: string | null
  /** The module `local` stands for where `name` is null: `import a.b` binds `a`, `import a.b as c` binds `a.b`. */
  readonly bound: string | null
  /** The import statement. */
  readonly statement: SyntaxNode
}

const IMPORTS = new Set(['import_statement', 'import_from_statement', 'future_import_statement'])

/** Whether a node is an import statement. */
export function isImport(node: SyntaxNode): boolean {
  return IMPORTS.has(node.type)
}

/** The names an import statement binds. */
export function importedNames(file: Pick<PythonFile, 'text'>, statement: SyntaxNode): ImportedName[] {
  if (statement.type === 'import_statement') {
    return fieldsOf(statement, 'name').map((node) => importedModule(file, node, statement))
  }
  if (statement.type !== 'import_from_statement') return []
  const { level, module } = moduleOf(file, statement)
  if (statement.children.some((child) => child.type === 'wildcard_import')) {
    return [{ local: '*', level, module, name: '*', bound: null, statement }]
  }
  return fieldsOf(statement, 'name').map((node) => {
    const { name, alias } = nameAndAlias(file, node)
    return { local: alias ?? name, level, module, name, bound: null, statement }
  })
}

/** Every import in a file, at any depth. */
export function allImports(file: PythonFile): ImportedName[] {
  return [...walk(file.root)].filter(isImport).flatMap((statement) => importedNames(file, statement))
}

function importedModule(file: Pick<PythonFile, 'text'>, node: SyntaxNode, statement: SyntaxNode): ImportedName {
  const { name, alias } = nameAndAlias(file, node)
  const top = name.split('.')[0] ?? name
  return { local: alias ?? top, level: 0, module: name, name: null, bound: alias === null ? top : name, statement }
}

function moduleOf(file: Pick<PythonFile, 'text'>, statement: SyntaxNode): { level: number; module: string } {
  const node = fieldOf(statement, 'module_name')
  if (node === null) return { level: 0, module: '' }
  const written = textOf(file, node).replaceAll(/\s/g, '')
  const module = written.replace(/^\.+/, '')
  return { level: written.length - module.length, module }
}

function nameAndAlias(file: Pick<PythonFile, 'text'>, node: SyntaxNode): { name: string; alias: string | null } {
  if (node.type !== 'aliased_import') return { name: textOf(file, node), alias: null }
  const [name, alias] = [fieldOf(node, 'name'), fieldOf(node, 'alias')]
  return { name: name === null ? '' : textOf(file, name), alias: alias === null ? null : textOf(file, alias) }
}
