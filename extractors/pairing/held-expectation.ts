import { argumentsOf, fieldOf, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { original } from './copied-names.ts'
import type { PlanScope, ProgramPlan } from './program-plan.ts'
import { canonical, usedVariables } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, Variable } from './test-code.ts'

/**
 * The input that is all a reference gives a part of, and that the kernel never reads, or null: what both sides need first, such as
 * `out[mask]` of `mask = ~expected.isnan()`, moves what is expected itself among the inputs, where any program could find it.
 */
export function heldExpectation(scope: PlanScope, plan: ProgramPlan): Variable | null {
  const readByKernel = new Set(variablesRead(scope, plan.kernel))
  const found = plan.reference.outputs.map((output) => valueRoots(scope, plan, output))
  const roots = found.flatMap((each) => each ?? [])
  const isHeld = (name: Variable): boolean => plan.inputs.includes(name) && !readByKernel.has(name)
  return found.every((each) => each !== null) && roots.every(isHeld) ? (roots[0] ?? null) : null
}

/** The variables that the constructor, the forward pass and the outputs of a side read, by the names of what they copy. */
export function variablesRead({ effects, test }: PlanScope, side: ProgramPlan['kernel']): Variable[] {
  const { initSteps, forwardSteps, outputs, copies } = side
  const read = [
    ...[...initSteps, ...forwardSteps].flatMap((at) => [...(effects[at]?.uses ?? [])]),
    ...outputs.flatMap((output) => [...usedVariables(test, output)]),
  ]
  return read.map((name) => original(copies, name))
}

// The variables whose elements an expression selects, joins or converts; null for one that computes.
function valueRoots(
  scope: PlanScope,
  plan: ProgramPlan,
  code: Code,
  open: readonly Variable[] = [],
): Variable[] | null {
  const { file } = code.frame.module
  const inner = (node: SyntaxNode | null | undefined): Variable[] | null =>
    node === null || node === undefined ? null : valueRoots(scope, plan, { ...code, node }, open)
  const { node } = code
  if (node.type === 'identifier') return rootsOfName(scope, plan, code, open)
  if (node.type === 'subscript') return inner(fieldOf(node, 'value'))
  if (node.type === 'list_comprehension') return inner(fieldOf(node, 'body'))
  if (/^(?:parenthesized_expression|list|tuple|expression_list)$/.test(node.type)) return all(node.children.map(inner))
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  const name = callee === null ? '' : textOf(file, callee)
  if (JOINS.test(name)) return inner(argumentsOf(file, node).positional[0])
  const method = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  return callee !== null && method !== null && KEEPS.test(textOf(file, method))
    ? inner(fieldOf(callee, 'object'))
    : null
}

const JOINS = /^torch\.(?:cat|concat|stack|vstack|hstack)$/
const KEEPS =
  /^(?:view|reshape|flatten|transpose|t|permute|squeeze|unsqueeze|narrow|contiguous|clone|detach|to|float|double|half|bfloat16|cpu|cuda)$/

// `x = x.float()` is made of the input of that name: `open` are names whose makers are being looked at.
function rootsOfName(
  scope: PlanScope,
  plan: ProgramPlan,
  { frame, node }: Code,
  open: readonly Variable[],
): Variable[] | null {
  const written = textOf(frame.module.file, node)
  if (!frame.locals.has(written)) return null
  const { copies, forwardSteps, modules } = plan.reference
  const name = original(copies, canonical(scope.test, variable(frame, written)))
  if (modules.includes(name)) return null
  if (open.includes(name)) return [name]
  const makers = forwardSteps.filter((at) => scope.effects[at]?.defines.has(name) === true)
  const [maker, ...more] = makers.map((at) => scope.test.steps[at])
  const isChanged = forwardSteps.some((at) => scope.effects[at]?.changes.has(name) === true)
  if (isChanged || more.length > 0) return null
  if (maker === undefined) return [name]
  const assignment = maker.binds === null ? maker.node.children[0] : undefined
  const isPlain = assignment?.type === 'assignment' && fieldOf(assignment, 'left')?.type === 'identifier'
  const value = maker.binds === null ? (isPlain ? fieldOf(assignment, 'right') : null) : maker.node
  return value === null ? null : valueRoots(scope, plan, { frame: maker.frame, node: value }, [...open, name])
}

function all(found: readonly (Variable[] | null)[]): Variable[] | null {
  return found.every((each) => each !== null) ? found.flat() : null
}
