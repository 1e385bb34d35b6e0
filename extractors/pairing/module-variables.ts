import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { rootOf } from '../python/names.ts'
import { argumentsOf, fieldOf, nameChain, textOf, undecorated } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { Value } from '../python/values.ts'
import type { StepEffects } from './step-effects.ts'
import { canonical } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, Frame, Step, TestCode, Variable } from './test-code.ts'

/** Variables that hold an `nn.Module` of the test, with the step that makes it. */
export type ModuleVariables = ReadonlyMap<Variable, number>

/** Finds the variables that are given a new `nn.Module`. `values` are those of parameters that stand for classes. */
export function moduleVariables(
  project: PythonProject,
  test: TestCode,
  values: ReadonlyMap<Variable, Value>,
): Map<Variable, number> {
  const found = new Map<Variable, number>()
  test.steps.forEach((step, at) => {
    const made = step.node.type === 'if_statement' ? madeByBranches(step) : [madeBy(step)]
    const [first] = made
    if (first === undefined || first === null) return
    const name = canonical(test, first.name)
    const isMade = made.every(
      (each) =>
        each !== null && canonical(test, each.name) === name && isModuleConstruction(project, test, each.value, values),
    )
    if (isMade) found.set(name, at)
  })
  return found
}

/**
 * The steps that only give one module the parameters of another: `b.load_state_dict(a.state_dict())`, `b.weight.data.copy_(a.weight)`,
 * `b.weight.data = a.weight.data`. Both sides of a pair get the same parameters anyway, by name.
 */
export function stateTransfers(test: TestCode, modules: ModuleVariables): Set<number> {
  const transfers = new Set<number>()
  test.steps.forEach((step, at) => {
    const statements = step.binds === null ? simpleStatements(step.node) : []
    const isTransfer =
      statements.length > 0 && statements.every((node) => isStateTransfer(test, modules, step.frame, node))
    if (isTransfer) transfers.add(at)
  })
  return transfers
}

/** The effects without those of some steps. */
export function withoutSteps(effects: readonly StepEffects[], dropped: ReadonlySet<number>): StepEffects[] {
  const nothing: StepEffects = { defines: new Set(), changes: new Set(), uses: new Set() }
  return effects.map((effect, at) => (dropped.has(at) ? nothing : effect))
}

/** Whether a class of the repository is an `nn.Module`, by its bases. */
export function isModuleClass(project: PythonProject, module: PythonModule, name: string, hops = 0): boolean {
  const [statement] = module.definitions.get(name) ?? []
  const definition = statement === undefined ? null : undecorated(statement.node)
  const bases = definition?.type === 'class_definition' ? fieldOf(definition, 'superclasses') : null
  if (bases === null || bases === undefined || hops > MAX_HOPS) return false
  return bases.children.some((base) => {
    const parts = nameChain(module.file, base)
    const meaning = parts === null ? null : resolveChain(project, module, parts)
    if (meaning?.kind === 'external') return isTorchModule(meaning.dotted)
    return meaning?.kind === 'definition' && isModuleClass(project, meaning.module, meaning.name, hops + 1)
  })
}

const MAX_HOPS = 10

function isTorchModule(dotted: readonly string[]): boolean {
  const name = dotted.at(-1) ?? ''
  return dotted.join('.').startsWith('torch.nn.') && /^[A-Z]/.test(name) && !NOT_MODULES.has(name)
}

const NOT_MODULES = new Set(['Parameter', 'Buffer', 'UninitializedParameter'])

interface Made {
  readonly name: Variable
  readonly value: Code
}

// `if rms: ref = RMSNorm(d)`, `else: ref = nn.LayerNorm(d)`: what each branch makes, nothing where one is missing or does more.
function madeByBranches({ frame, node }: Step): (Made | null)[] {
  const rest = node.children.filter(({ type }) => type === 'elif_clause' || type === 'else_clause')
  if (rest.at(-1)?.type !== 'else_clause') return []
  return [node, ...rest].map((branch) => {
    const block = fieldOf(branch, branch.type === 'else_clause' ? 'body' : 'consequence')
    const [only, ...more] = block?.children ?? []
    return only === undefined || more.length > 0
      ? null
      : madeBy({ frame, node: only, binds: null, guards: [], contexts: [] })
  })
}

function madeBy({ frame, node, binds }: Step): Made | null {
  if (binds !== null) return { name: binds, value: { frame, node } }
  const assignment = node.children[0]
  const [left, right] =
    assignment?.type === 'assignment' ? [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')] : []
  if (left?.type !== 'identifier' || right === null || right === undefined) return null
  return { name: variable(frame, textOf(frame.module.file, left)), value: { frame, node: right } }
}

// Through `.to(device)`, `.half()` and brackets to the call that makes the object.
function isModuleConstruction(
  project: PythonProject,
  test: TestCode,
  { frame, node }: Code,
  values: ReadonlyMap<Variable, Value>,
): boolean {
  if (node.type === 'parenthesized_expression') {
    return node.children.some((inner) => isModuleConstruction(project, test, { frame, node: inner }, values))
  }
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  if (callee === null) return false
  const parts = nameChain(frame.module.file, callee)
  if (parts !== null && isClass(project, test, frame, parts, values)) return true
  const object = callee.type === 'attribute' ? fieldOf(callee, 'object') : null
  return object !== null && isModuleConstruction(project, test, { frame, node: object }, values)
}

function isClass(
  project: PythonProject,
  test: TestCode,
  frame: Frame,
  parts: readonly string[],
  values: ReadonlyMap<Variable, Value>,
): boolean {
  const [first = ''] = parts
  if (frame.locals.has(first)) {
    const value = values.get(canonical(test, variable(frame, first)))
    const named = value?.kind === 'symbol' ? nameChain(value.module.file, value.node) : null
    return value?.kind === 'symbol' && named !== null && names(project, value.module, named)
  }
  return names(project, frame.module, parts)
}

function names(project: PythonProject, module: PythonModule, parts: readonly string[]): boolean {
  const meaning = resolveChain(project, module, parts)
  if (meaning.kind === 'external') return isTorchModule(meaning.dotted)
  return (
    meaning.kind === 'definition' &&
    meaning.used === parts.length &&
    isModuleClass(project, meaning.module, meaning.name)
  )
}

// The statements of a step; a `with torch.no_grad():` around them does not count.
function simpleStatements(node: SyntaxNode): SyntaxNode[] {
  if (node.type === 'with_statement') return fieldOf(node, 'body')?.children.flatMap(simpleStatements) ?? []
  return node.type === 'expression_statement' ? [node] : []
}

function isStateTransfer(test: TestCode, modules: ModuleVariables, frame: Frame, { children }: SyntaxNode): boolean {
  const [expression] = children
  const { file } = frame.module
  if (expression?.type === 'assignment') {
    const [left, right] = [fieldOf(expression, 'left'), fieldOf(expression, 'right')]
    return (
      left !== null && right !== null && left.type === 'attribute' && bothModules(test, modules, frame, left, right)
    )
  }
  const callee = expression?.type === 'call' ? fieldOf(expression, 'function') : null
  const method = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  const object = callee?.type === 'attribute' ? fieldOf(callee, 'object') : null
  const [argument] = expression === undefined ? [] : argumentsOf(file, expression).positional
  if (method === null || object === null || argument === undefined) return false
  const isCopy = ['copy_', 'load_state_dict'].includes(textOf(file, method))
  return isCopy && bothModules(test, modules, frame, object, argument)
}

// The same parameter by name on both sides: a transposed or renamed one is more than a transfer.
function bothModules(
  test: TestCode,
  modules: ModuleVariables,
  frame: Frame,
  to: SyntaxNode,
  from: SyntaxNode,
): boolean {
  const { file } = frame.module
  const roots = [to, from].map(rootOf)
  const areModules = roots.every(
    (root) => root.type === 'identifier' && modules.has(canonical(test, variable(frame, textOf(file, root)))),
  )
  const path = (node: SyntaxNode): string =>
    textOf(file, node).replaceAll(/^\w+|\.(?:data|detach\(\)|clone\(\)|state_dict\(\))/g, '')
  return areModules && path(to) === path(from)
}
