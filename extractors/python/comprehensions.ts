import { bindTarget } from './assignments.ts'
import { fieldOf } from './syntax.ts'
import type { PythonFile, SyntaxNode } from './syntax.ts'
import { sequence, truth } from './values.ts'
import type { Value } from './values.ts'

/** Evaluates a node with more local names. */
export type EvaluateWith = (node: SyntaxNode, locals: ReadonlyMap<string, Value>) => Value | null

const MAX_ITEMS = 5000

/** The items of a list, set or generator comprehension over known sequences, or null. */
export function comprehend(file: Pick<PythonFile, 'text'>, node: SyntaxNode, evaluate: EvaluateWith): Value | null {
  const body = fieldOf(node, 'body')
  if (body === null || node.type === 'dictionary_comprehension') return null
  const clauses = node.children.filter(({ type }) => type === 'for_in_clause' || type === 'if_clause')
  const items: Value[] = []
  const run = (locals: ReadonlyMap<string, Value>, at: number): boolean => {
    const clause = clauses[at]
    if (clause === undefined) {
      const value = evaluate(body, locals)
      if (value !== null) items.push(value)
      return value !== null && items.length <= MAX_ITEMS
    }
    if (clause.type === 'if_clause') {
      const condition = evaluate(clause.children[0] ?? clause, locals)
      const holds = condition === null ? null : truth(condition)
      return holds === null ? false : !holds || run(locals, at + 1)
    }
    const [left, right] = [fieldOf(clause, 'left'), fieldOf(clause, 'right')]
    const iterable = right === null ? null : evaluate(right, locals)
    if (left === null || iterable?.kind !== 'sequence') return false
    return iterable.items.every((item) => {
      const bound = [...bindTarget(file, left, () => item)]
      const known = bound.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))
      return run(new Map([...locals, ...known]), at + 1)
    })
  }
  return run(new Map(), 0) ? sequence(node.type === 'set_comprehension' ? 'set' : 'list', items) : null
}
