import { importedNames, isImport } from './imports.ts'
import type { ImportedName } from './imports.ts'
import { guardedImports } from './guarded-imports.ts'
import { boundNames, changedNames } from './names.ts'
import { fieldOf, textOf, undecorated } from './syntax.ts'
import type { PythonFile, SyntaxNode } from './syntax.ts'

/** A statement at the top level of a module. */
export interface ModuleStatement {
  readonly node: SyntaxNode
  /** Position among the statements of its module. */
  readonly index: number
  /** Names it gives a value. */
  readonly binds: ReadonlySet<string>
  /** Names whose value it changes in place. */
  readonly changes: ReadonlySet<string>
  /** `import`: a plain import statement; `main`: the block that only a script runs; `typing`: read by type checkers alone. */
  readonly kind: 'import' | 'definition' | 'main' | 'typing' | 'other'
}

/** A parsed Python module. */
export interface PythonModule {
  readonly file: PythonFile
  readonly path: string
  /** Its import name, seen from the folder above its outermost package. */
  readonly dotted: string
  readonly isPackage: boolean
  readonly statements: readonly ModuleStatement[]
  /** The statements, other than plain imports, that bind or change a name, in order. */
  readonly definitions: ReadonlyMap<string, readonly ModuleStatement[]>
  /** The last plain import of a name, or the only one of its own package under a condition. */
  readonly imports: ReadonlyMap<string, ImportedName>
  /** Star imports, in order. */
  readonly stars: readonly ImportedName[]
  /** Whether annotations are kept as text (PEP 563). */
  readonly hasLazyAnnotations: boolean
  /** The module itself, where this is how a function of it sees it; null otherwise. */
  readonly home: PythonModule | null
}

/** Indexes a parsed file. */
export function indexModule(file: PythonFile, dotted: string): PythonModule {
  const statements = file.root.children.map((node, index) => indexStatement(file, node, index))
  const plain = statements.filter(({ kind }) => kind === 'import').flatMap(({ node }) => importedNames(file, node))
  const guarded = guardedImports({ file, dotted, statements })
  return {
    file,
    path: file.path,
    dotted,
    isPackage: file.path.endsWith('__init__.py'),
    statements,
    definitions: definitionsByName(statements, guarded),
    imports: new Map([...plain.map((imported) => [imported.local, imported] as const), ...guarded]),
    stars: plain.filter(({ local }) => local === '*'),
    hasLazyAnnotations: file.root.children.some(
      (node) => node.type === 'future_import_statement' && textOf(file, node).includes('annotations'),
    ),
    home: null,
  }
}

/** The block that runs when a file is run as a script, or null. */
export function mainBlock(module: PythonModule): SyntaxNode | null {
  const main = module.statements.find(({ kind }) => kind === 'main')
  return main === undefined ? null : fieldOf(main.node, 'consequence')
}

function indexStatement(file: PythonFile, node: SyntaxNode, index: number): ModuleStatement {
  const kind = kindOf(file, node)
  const isPart = kind !== 'main' && kind !== 'typing' && !isDeclaration(node)
  return {
    node,
    index,
    kind,
    binds: isPart ? boundNames(file, node) : new Set(),
    changes: isPart ? changesBelow(file, node) : new Set(),
  }
}

// `current: Platform` says what a name will be and gives it no value.
function isDeclaration(node: SyntaxNode): boolean {
  const assignment = node.type === 'expression_statement' ? node.children[0] : undefined
  return assignment?.type === 'assignment' && fieldOf(assignment, 'right') === null
}

function kindOf(file: PythonFile, node: SyntaxNode): ModuleStatement['kind'] {
  if (isImport(node)) return 'import'
  if (undecorated(node).type.endsWith('_definition')) return 'definition'
  const condition = node.type === 'if_statement' ? fieldOf(node, 'condition') : null
  if (condition === null) return 'other'
  const text = textOf(file, condition)
  if (text.includes('__name__')) return 'main'
  return /^(?:typing\.)?TYPE_CHECKING$/.test(text) ? 'typing' : 'other'
}

function changesBelow(file: PythonFile, node: SyntaxNode): Set<string> {
  const names = new Set<string>()
  const visit = (inner: SyntaxNode): void => {
    if (inner.type === 'function_definition' || inner.type === 'class_definition' || inner.type === 'lambda') return
    const target = inner.type === 'assignment' || inner.type === 'augmented_assignment' ? fieldOf(inner, 'left') : null
    if (target !== null) changedNames(file, target).forEach((name) => names.add(name))
    inner.children.forEach(visit)
  }
  visit(node)
  return names
}

function definitionsByName(
  statements: readonly ModuleStatement[],
  imported: ReadonlyMap<string, ImportedName>,
): Map<string, ModuleStatement[]> {
  const byName = new Map<string, ModuleStatement[]>()
  const defining = statements.filter(({ kind }) => kind !== 'import')
  const bound = new Set(defining.flatMap(({ binds }) => [...binds]))
  for (const statement of defining) {
    // `torch.backends.x = True` changes something that was imported: no definition of ours.
    for (const name of new Set([...statement.binds, ...statement.changes].filter((name) => bound.has(name)))) {
      if (imported.has(name)) continue
      byName.set(name, [...(byName.get(name) ?? []), statement])
    }
  }
  return byName
}
