import type { PythonProject } from '../python/project.ts'
import { argumentsOf, fieldOf, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { isDeviceExpression } from './devices.ts'
import { identityArgument } from './identities.ts'
import { canonical } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, Step, TestCode, Variable } from './test-code.ts'

/**
 * The variable that a step only copies, and the name of the copy: `x1 = x.detach().clone().requires_grad_(True)`, `x1 = x`,
 * `ref_x = to_reference(x)`, `x1 = x.clone() if x is not None else None`. Null for a step that does more. `identities` are functions that give back their first argument.
 */
export function copiedVariable(
  project: PythonProject,
  test: TestCode,
  step: Step,
  identities: ReadonlySet<string>,
): { name: Variable; of: Variable } | null {
  const { frame, node, binds } = step
  const assignment = binds === null ? node.children[0] : undefined
  const [left, right] =
    assignment?.type === 'assignment' ? [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')] : []
  const value = binds === null ? right : node
  const name = binds ?? (left?.type === 'identifier' ? variable(frame, textOf(frame.module.file, left)) : null)
  const of = value === null || value === undefined ? null : copiedName(project, { frame, node: value }, identities)
  if (name === null || of === null) return null
  const from = canonical(test, variable(frame, of))
  return from === canonical(test, name) ? null : { name: canonical(test, name), of: from }
}

/** The variable whose value an expression is, moved or copied at most; null for one that computes. */
export function copySource(
  project: PythonProject,
  test: TestCode,
  code: Code,
  identities: ReadonlySet<string>,
): Variable | null {
  const name = copiedName(project, code, identities)
  return name === null ? null : canonical(test, variable(code.frame, name))
}

const COPYING = new Set(['clone', 'detach', 'requires_grad_', 'cuda', 'cpu'])

function copiedName(project: PythonProject, code: Code, identities: ReadonlySet<string>): string | null {
  const { frame, node } = code
  const { file } = frame.module
  const inner = (next: SyntaxNode | null | undefined): string | null =>
    next === null || next === undefined ? null : copiedName(project, { frame, node: next }, identities)
  if (node.type === 'identifier') return frame.locals.has(textOf(file, node)) ? textOf(file, node) : null
  if (node.type === 'parenthesized_expression') return inner(node.children[0])
  if (node.type === 'conditional_expression') return copiedUnlessNone(code, inner)
  const same = identityArgument(project, frame, node, identities)
  if (same !== null) return inner(same)
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  if (callee === null) return null
  const { positional } = argumentsOf(file, node)
  const [object, attribute] = [fieldOf(callee, 'object'), fieldOf(callee, 'attribute')]
  if (callee.type !== 'attribute' || attribute === null) return null
  const method = textOf(file, attribute)
  const [only, ...more] = positional
  const isMove = method === 'to' && only !== undefined && more.length === 0 && isDeviceExpression(project, code, only)
  return COPYING.has(method) || isMove ? inner(object) : null
}

// `x.clone() if x is not None else None`
function copiedUnlessNone(
  { frame, node }: Code,
  copiedBy: (inner: SyntaxNode | undefined) => string | null,
): string | null {
  const [copy, condition, otherwise] = node.children
  const name = copiedBy(copy)
  if (condition === undefined || otherwise?.type !== 'none' || name === null) return null
  return textOf(frame.module.file, condition) === `${name} is not None` ? name : null
}
