import { changedNames } from '../python/names.ts'
import type { PythonProject } from '../python/project.ts'
import { freeReferences } from '../python/references.ts'
import type { Edit } from '../python/rendering.ts'
import { argumentsOf, fieldOf, nameChain, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { isDeviceExpression } from './devices.ts'
import { identityArgument } from './identities.ts'
import { canonical } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, TestCode, Variable } from './test-code.ts'

/** How code of a test is spelled where it is put. */
export interface Spelling {
  readonly project: PythonProject
  readonly test: TestCode
  /** Text of a variable: another name, `self.eps`, an expression. Undefined leaves its own name. */
  readonly variables: ReadonlyMap<Variable, string>
  /** Text that means the device the validator chose. */
  readonly device: string
  /** Whether modules are made here: then they need not be moved to the device, the validator does that. */
  readonly isConstructor: boolean
  /** Modules that are not made here: nothing is assigned to parts of them. */
  readonly absent: ReadonlySet<Variable>
  /** Dotted names of functions that give back their first argument. */
  readonly identities: ReadonlySet<string>
}

/** The changes to a piece of a test that do not depend on what is defined around it. */
export function editsOf(code: Code, spelling: Spelling): Edit[] {
  const edits: Edit[] = []
  collect(code, code.node, spelling, edits)
  return [...edits, ...variableEdits(code, spelling)]
}

const DEVICE_PARTS = new Set(['type', 'index'])

function variableEdits({ frame, node }: Code, { test, variables, device }: Spelling): Edit[] {
  return freeReferences(frame.module.file, node)
    .filter(({ name }) => frame.locals.has(name))
    .flatMap(({ name, parts, identifier: { start, end } }) => {
      const text = variables.get(canonical(test, variable(frame, name)))
      // What stands for the device is its name, which has no parts.
      const isPart = text === device && DEVICE_PARTS.has(parts[1] ?? '')
      if (isPart) return [{ start, end, text: `torch.device(${text})` }]
      return text === undefined || text === name ? [] : [{ start, end, text }]
    })
}

function collect(code: Code, node: SyntaxNode, spelling: Spelling, edits: Edit[]): void {
  // `x.device.type` can be asked of any tensor.
  if (node.type === 'attribute' && isDevicePart(code, node)) return
  if (isDeviceExpression(spelling.project, code, node) || isDeviceOfVariable(code, node)) {
    edits.push({ start: node.start, end: node.end, text: spelling.device })
    return
  }
  if (node.type === 'argument_list') edits.push(...droppedArguments(code, node))
  if (node.type === 'assignment') edits.push(...absentTargets(code, node, spelling))
  if (node.type === 'call') edits.push(...callEdits(code, node, spelling))
  for (const child of node.children) collect(code, child, spelling, edits)
}

// `here.weight.data = absent.weight.data = torch.rand(n)`
function absentTargets({ frame }: Code, assignment: SyntaxNode, { test, absent }: Spelling): Edit[] {
  const [left, right] = [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')]
  if (left === null || right === null || left.type === 'identifier') return []
  const isAbsent = changedNames(frame.module.file, left).some((name) =>
    absent.has(canonical(test, variable(frame, name))),
  )
  return isAbsent ? [{ start: left.start, end: right.start, text: '' }] : []
}

// `x.device`: there is one device for all, and `x` may be on the other side.
function isDeviceOfVariable({ frame }: Code, node: SyntaxNode): boolean {
  const parts = node.type === 'attribute' ? nameChain(frame.module.file, node) : null
  return parts?.length === 2 && parts[1] === 'device' && frame.locals.has(parts[0] ?? '')
}

function isDevicePart(code: Code, node: SyntaxNode): boolean {
  const [object, attribute] = [fieldOf(node, 'object'), fieldOf(node, 'attribute')]
  const name = attribute === null ? '' : textOf(code.frame.module.file, attribute)
  return object !== null && DEVICE_PARTS.has(name) && isDeviceOfVariable(code, object)
}

// Gradients play no part in a forward pass.
function droppedArguments({ frame }: Code, list: SyntaxNode): Edit[] {
  const { file } = frame.module
  return list.children.flatMap((argument, at) => {
    const name = argument.type === 'keyword_argument' ? fieldOf(argument, 'name') : null
    if (name === null || textOf(file, name) !== 'requires_grad') return []
    const [before, after] = [list.children[at - 1], list.children[at + 1]]
    if (before !== undefined) return [{ start: before.end, end: argument.end, text: '' }]
    return [{ start: argument.start, end: after?.start ?? argument.end, text: '' }]
  })
}

function callEdits(code: Code, call: SyntaxNode, spelling: Spelling): Edit[] {
  const { file } = code.frame.module
  const callee = fieldOf(call, 'function')
  if (callee === null) return []
  const { positional } = argumentsOf(file, call)
  const same = identityArgument(spelling.project, code.frame, call, spelling.identities)
  if (same !== null) {
    return [
      { start: call.start, end: same.start, text: '' },
      { start: same.end, end: call.end, text: '' },
    ]
  }
  const [object, attribute] = [fieldOf(callee, 'object'), fieldOf(callee, 'attribute')]
  if (callee.type !== 'attribute' || object === null || attribute === null) return []
  const rest = { start: object.end, end: call.end }
  const method = textOf(file, attribute)
  if (method === 'requires_grad_') return [{ ...rest, text: '' }]
  if (method === 'cuda') return [{ ...rest, text: spelling.isConstructor ? '' : `.to(${spelling.device})` }]
  const [only, ...more] = positional
  const isMove = method === 'to' && only !== undefined && more.length === 0 && isDeviceArgument(code, only, spelling)
  return isMove && spelling.isConstructor ? [{ ...rest, text: '' }] : []
}

function isDeviceArgument(code: Code, node: SyntaxNode, { project, test, variables, device }: Spelling): boolean {
  if (isDeviceExpression(project, code, node)) return true
  if (node.type !== 'identifier') return false
  return variables.get(canonical(test, variable(code.frame, textOf(code.frame.module.file, node)))) === device
}
