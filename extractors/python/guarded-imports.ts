import { importedNames, isImport } from './imports.ts'
import type { ImportedName } from './imports.ts'
import type { ModuleStatement, PythonModule } from './modules.ts'
import { boundNames, isScope } from './names.ts'
import { walk } from './syntax.ts'
import type { PythonFile, SyntaxNode } from './syntax.ts'

/**
 * What a module imports from its own package inside `if` or `try`, where nothing else gives the name a value. Packages list their
 * kernels so (`if HAS_TRITON: from .softmax import softmax`), and taken as one definition such a block makes each of them need all.
 */
export function guardedImports({
  file,
  dotted,
  statements,
}: Pick<PythonModule, 'file' | 'dotted' | 'statements'>): Map<string, ImportedName> {
  const blocks = statements.filter(({ kind, node }) => kind === 'other' && BLOCKS.has(node.type))
  const found = blocks.flatMap(({ node }) => importsIn(file, node))
  if (found.length === 0) return new Map()
  const times = timesBound(file, statements)
  const [top] = dotted.split('.')
  const own = found.filter(({ local, level, module, name }) => {
    const isOwn = level > 0 || module.split('.')[0] === top
    return isOwn && name !== null && name !== '*' && times.get(local) === 1
  })
  return new Map(own.map((imported) => [imported.local, imported]))
}

const BLOCKS = new Set(['if_statement', 'try_statement'])

function importsIn(file: PythonFile, block: SyntaxNode): ImportedName[] {
  return [...walk(block, (node) => !isScope(node))].filter(isImport).flatMap((node) => importedNames(file, node))
}

// In how many places a module gives a name a value.
function timesBound(file: PythonFile, statements: readonly ModuleStatement[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const place of statements.flatMap(({ node }) => placesIn(node))) {
    for (const name of boundNames(file, place)) times.set(name, (times.get(name) ?? 0) + 1)
  }
  return times
}

// The statements inside blocks, each by itself; the head of a loop or a `with` counts as a place too.
function placesIn(statement: SyntaxNode): SyntaxNode[] {
  if (isScope(statement) || isImport(statement) || statement.type === 'decorated_definition') return [statement]
  const blocks = [...walk(statement, (node) => node.type !== 'block' && !isScope(node))].filter(
    ({ type }) => type === 'block',
  )
  const inside = blocks.flatMap((block) => block.children.flatMap(placesIn))
  const head = withoutBlocks(statement)
  return [head, ...inside]
}

function withoutBlocks(node: SyntaxNode): SyntaxNode {
  const children = node.children.filter(({ type }) => type !== 'block').map(withoutBlocks)
  return { ...node, children }
}
