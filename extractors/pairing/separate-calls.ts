import { fieldOf, textOf, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'

/**
 * The names and values of an assignment of several calls at once that have nothing to do with each other:
 * `expected, module = Reference(n), Fused(n)`. Empty for every other statement.
 */
export function separateCalls(file: PythonFile, node: SyntaxNode): [string, SyntaxNode][] {
  const assignment = node.type === 'expression_statement' ? node.children[0] : undefined
  const [left, right] =
    assignment?.type === 'assignment' ? [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')] : []
  if (left?.type !== 'pattern_list' || right?.type !== 'expression_list') return []
  if (left.children.length !== right.children.length) return []
  const names = left.children.map((child) => (child.type === 'identifier' ? textOf(file, child) : null))
  const read = new Set([...walk(right)].filter(({ type }) => type === 'identifier').map((name) => textOf(file, name)))
  if (names.some((name) => name === null || read.has(name))) return []
  if (right.children.some(({ type }) => type !== 'call')) return []
  return names.flatMap((name, at) => {
    const value = right.children[at]
    return name === null || value === undefined ? [] : [[name, value]]
  })
}
