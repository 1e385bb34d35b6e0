import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, fieldOf, nameChain, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { canonical } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, TestCode, Variable } from './test-code.ts'

/**
 * Whether an expression of a test says which device to use: a name that ends in `device`, a call like `infer_device()`, `"cuda"`
 * or `"cuda:0"`, `torch.device(...)`, or the choice between two such. Variables of the test are told by deviceVariables.
 */
export function isDeviceExpression(project: PythonProject, code: Code, node: SyntaxNode): boolean {
  const { file } = code.frame.module
  switch (node.type) {
    case 'string':
      return DEVICE_TEXT.test(textOf(file, node))
    case 'identifier':
    case 'attribute':
      return isDeviceName(project, code, node)
    case 'call':
      return isDeviceCall(project, code, node)
    case 'conditional_expression': {
      const [yes, , no] = node.children
      return (
        yes !== undefined &&
        no !== undefined &&
        [yes, no].every((part) => isDeviceExpression(project, code, part) || isCpu(file, part))
      )
    }
    case 'parenthesized_expression':
      return node.children.length === 1 && node.children.every((part) => isDeviceExpression(project, code, part))
    default:
      return false
  }
}

/** `device` for a constant that names the device, whatever it is called in the code of tests; null for all other names. */
export function deviceName(module: PythonModule, name: string): string | null {
  if (!DEVICE_NAME.test(name)) return null
  const statements = module.definitions.get(name) ?? []
  const isConstant =
    statements.length > 0 && statements.every(({ kind, node }) => kind === 'other' && !makesObject(module, node))
  return isConstant ? 'device' : null
}

// `device = DeviceDetector()` is a thing with attributes of its own.
function makesObject({ file }: PythonModule, statement: SyntaxNode): boolean {
  const assignment = statement.children[0]
  const value = assignment?.type === 'assignment' ? fieldOf(assignment, 'right') : null
  const callee = value?.type === 'call' ? fieldOf(value, 'function') : null
  const name = callee === null ? null : nameChain(file, callee)?.at(-1)
  return name !== null && name !== undefined && /^_*[A-Z]/.test(name)
}

/** The variables of a test that stand for a device: given such a value, or named so by a parameter nobody gives a value. */
export function deviceVariables(project: PythonProject, test: TestCode): Set<Variable> {
  const found = new Set<Variable>()
  for (const step of test.steps) {
    const { frame, node, binds } = step
    if (binds !== null && isDeviceExpression(project, step, node)) found.add(canonical(test, binds))
    const assignment = binds === null ? node.children[0] : undefined
    const [left, right] =
      assignment?.type === 'assignment' ? [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')] : []
    if (left?.type !== 'identifier' || right === null || right === undefined) continue
    if (isDeviceExpression(project, step, right))
      found.add(canonical(test, variable(frame, textOf(frame.module.file, left))))
  }
  const first = test.steps[0]?.frame
  const names = test.axes.flatMap(({ frame, axis }) => axis.names.map((name) => variable(frame, name)))
  for (const name of [
    ...names,
    ...(first === undefined ? [] : [...first.locals].map((local) => variable(first, local))),
  ]) {
    const isDefined = test.steps.some(({ binds }) => binds === name)
    if (DEVICE_NAME.test(name.slice(name.indexOf(':') + 1)) && !isDefined) found.add(canonical(test, name))
  }
  return found
}

const DEVICE_NAME = /^(?:\w*_)?device$/i
/** A string that names the device that kernels run on. */
export const DEVICE_TEXT = /^["'](?:cuda|hip|xpu|npu|mps|musa|hpu|gpu)(?::\d+)?["']$/

function isCpu(file: { readonly text: string }, node: SyntaxNode): boolean {
  return /^["']cpu["']$/.test(textOf(file, node))
}

// A name of the module or of another one; `tensor.device` is a fact about a tensor.
function isDeviceName(project: PythonProject, { frame }: Code, node: SyntaxNode): boolean {
  const parts = nameChain(frame.module.file, node)
  if (parts === null || !DEVICE_NAME.test(parts.at(-1) ?? '') || frame.locals.has(parts[0] ?? '')) return false
  const meaning = resolveChain(project, frame.module, parts)
  if (meaning.kind !== 'definition' || meaning.used < parts.length) return false
  return (meaning.module.definitions.get(meaning.name) ?? []).every(({ kind }) => kind === 'other')
}

function isDeviceCall(project: PythonProject, code: Code, call: SyntaxNode): boolean {
  const { frame } = code
  const callee = fieldOf(call, 'function')
  const parts = callee === null ? null : nameChain(frame.module.file, callee)
  if (parts === null || frame.locals.has(parts[0] ?? '')) return false
  const { positional, keywords } = argumentsOf(frame.module.file, call)
  const [first, ...more] = positional
  if (parts.join('.') === 'torch.device' && first !== undefined && more.length <= 1) {
    return isDeviceExpression(project, code, first) || DEVICE_TEXT.test(textOf(frame.module.file, first))
  }
  const isQuestion = positional.length === 0 && keywords.size === 0
  return isQuestion && /device(?:_name|_type)?$/i.test(parts.at(-1) ?? '') && !/count/i.test(parts.at(-1) ?? '')
}
