import { fieldOf, textOf } from './syntax.ts'
import type { PythonFile, SyntaxNode } from './syntax.ts'
import { truth } from './values.ts'
import type { Value } from './values.ts'

type Text = Pick<PythonFile, 'text'>
type Evaluate = (node: SyntaxNode) => Value | null

/** What a statement leaves in a name: a value, null for one that is not known, or that it does not touch the name. */
export type Assigned = Value | null | 'not assigned'

/** What a statement, conditions followed where they are known, assigns to a name. */
export function assignedValue(file: Text, node: SyntaxNode, name: string, evaluate: Evaluate): Assigned {
  if (node.type === 'if_statement') return underCondition(file, node, name, evaluate)
  if (node.type === 'block') return lastAssigned(file, node, name, evaluate)
  const assignment = node.type === 'expression_statement' ? node.children[0] : node
  if (assignment?.type !== 'assignment') return 'not assigned'
  const [left, right] = [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')]
  if (left === null || right === null) return 'not assigned'
  if (right.type === 'assignment') {
    const inner = assignedValue(file, right, name, evaluate)
    if (inner !== 'not assigned') return inner
  }
  return bindTarget(file, left, () => evaluate(lastRight(right))).get(name) ?? 'not assigned'
}

/** The names of a target with the values they get. A target that does not fit its value binds nothing. */
export function bindTarget(file: Text, target: SyntaxNode, value: () => Value | null): Map<string, Value | null> {
  if (target.type === 'identifier') return new Map([[textOf(file, target), value()]])
  const whole = value()
  const parts = target.children
  if (whole?.kind !== 'sequence' || whole.items.length !== parts.length) return new Map()
  return new Map(parts.flatMap((part, at) => [...bindTarget(file, part, () => whole.items[at] ?? null)]))
}

// `a = b = value`
function lastRight(node: SyntaxNode): SyntaxNode {
  const right = node.type === 'assignment' ? fieldOf(node, 'right') : null
  return right === null ? node : lastRight(right)
}

function lastAssigned(file: Text, block: SyntaxNode, name: string, evaluate: Evaluate): Assigned {
  const values = block.children.map((child) => assignedValue(file, child, name, evaluate))
  return values.findLast((value) => value !== 'not assigned') ?? (values.includes(null) ? null : 'not assigned')
}

function underCondition(file: Text, node: SyntaxNode, name: string, evaluate: Evaluate): Assigned {
  const condition = fieldOf(node, 'condition')
  const known = condition === null ? null : evaluate(condition)
  const holds = known === null ? true : truth(known)
  if (holds === false && node.children.some(({ type }) => type === 'elif_clause')) return null
  const otherwise = node.children.find(({ type }) => type === 'else_clause')
  const block = holds === false ? otherwise && fieldOf(otherwise, 'body') : fieldOf(node, 'consequence')
  return block === null || block === undefined ? 'not assigned' : lastAssigned(file, block, name, evaluate)
}
