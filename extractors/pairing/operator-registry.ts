import type { Piece } from '../python/links.ts'
import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { fieldOf, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'

/** A function that a repository registers for an ATen operator. */
export interface RegisteredOperator {
  /** `add` of `add.Tensor`. */
  readonly name: string
  /** `Tensor` of `add.Tensor`; empty for the default overload. */
  readonly overload: string
  /** The expression that names the function. */
  readonly implementation: Piece
}

/**
 * Reads a table of `("aten name", function, ...)` entries, given by its dotted name: a tuple or list at the top of a module. Gives the
 * operators by name, in the order of the table.
 */
export function readRegistry(project: PythonProject, dotted: string): Map<string, RegisteredOperator[]> {
  const operators = new Map<string, RegisteredOperator[]>()
  const table = tableOf(project, dotted)
  for (const entry of table === null ? [] : walk(table.node)) {
    const operator = table === null || entry.type !== 'tuple' ? null : operatorOf(table.module, entry)
    if (operator !== null) operators.set(operator.name, [...(operators.get(operator.name) ?? []), operator])
  }
  return operators
}

function tableOf(project: PythonProject, dotted: string): { module: PythonModule; node: SyntaxNode } | null {
  const parts = dotted.split('.')
  const name = parts.pop() ?? ''
  const path = parts.join('/')
  const file = project.paths.find((candidate) =>
    [`${path}.py`, `${path}/__init__.py`].some((end) => `/${candidate}`.endsWith(`/${end}`)),
  )
  const module = file === undefined ? null : project.module(file)
  const [statement] = module?.definitions.get(name) ?? []
  const assignment = statement?.node.children[0]
  const value = assignment?.type === 'assignment' ? fieldOf(assignment, 'right') : null
  return module === null || value === null ? null : { module, node: value }
}

function operatorOf(module: PythonModule, entry: SyntaxNode): RegisteredOperator | null {
  const [key, implementation] = entry.children
  if (key?.type !== 'string' || implementation === undefined) return null
  if (implementation.type !== 'identifier' && implementation.type !== 'attribute') return null
  const [name = '', overload = ''] = textOf(module.file, key)
    .replaceAll(/["']/g, '')
    .replace(/^aten::/, '')
    .split('.')
  return { name, overload, implementation: { module, node: implementation, isLocal: () => false, skip: [] } }
}
