import { argumentsOf, fieldOf, nameChain, textOf, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'

/** Literal `triton.Config(...)` entries in what is applied to a kernel, directly or in a list that is named there. */
export function countAutotuneConfigs(file: PythonFile, applied: readonly SyntaxNode[]): number {
  return applied
    .filter((node) => node.type === 'call')
    .flatMap((node) => configLists(file, node))
    .reduce((sum, list) => sum + countConfigs(file, list), 0)
}

function configLists(file: PythonFile, call: SyntaxNode): SyntaxNode[] {
  const { positional, keywords } = argumentsOf(file, call)
  const configs = keywords.get('configs') ?? positional.find((node) => node.type === 'list')
  if (configs === undefined) return []
  return configs.type === 'identifier' ? assignedLists(file, textOf(file, configs)) : [configs]
}

function assignedLists(file: PythonFile, name: string): SyntaxNode[] {
  return file.root.children.flatMap((statement) => {
    const [assignment] = statement.children
    if (statement.type !== 'expression_statement' || assignment?.type !== 'assignment') return []
    const [left, right] = [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')]
    return left !== null && right !== null && textOf(file, left) === name ? [right] : []
  })
}

// A comprehension makes a number of configurations that only running it tells: not literal, not counted.
function countConfigs(file: PythonFile, list: SyntaxNode): number {
  const literal = walk(list, (node) => !node.type.endsWith('_comprehension') && node.type !== 'generator_expression')
  return [...literal].filter((node) => {
    const callee = node.type === 'call' ? fieldOf(node, 'function') : null
    return callee !== null && nameChain(file, callee)?.at(-1) === 'Config'
  }).length
}
