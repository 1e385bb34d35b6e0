import { boundNames, changedNames, rootOf } from '../python/names.ts'
import { argumentsOf, fieldOf, nameChain, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { isHarmless } from './contexts.ts'
import { outerReads } from './outer-reads.ts'
import { variable } from './test-code.ts'
import type { Code, Frame, Step, TestCode, Variable } from './test-code.ts'

/** What a step does to the variables of a test. */
export interface StepEffects {
  /** Variables that hold a new value afterwards. */
  readonly defines: ReadonlySet<Variable>
  /** Variables whose value may have been changed in place. */
  readonly changes: ReadonlySet<Variable>
  /** Variables it reads. */
  readonly uses: ReadonlySet<Variable>
}

/** The effects of every step of a test, in order. */
export function effectsOf(test: TestCode): StepEffects[] {
  const outputs = outputVariables(test)
  return test.steps.map((step) => effectsOfStep(test, step, outputs))
}

/** The variables that code reads, other names of the same variable made one. */
export function usedVariables(test: Pick<TestCode, 'aliases'>, { frame, node }: Code): Set<Variable> {
  const names = [...outerReads(frame.module.file, node)].filter((name) => frame.locals.has(name))
  return new Set(names.map((name) => canonical(test, variable(frame, name))))
}

/** The variable that another name stands for. */
export function canonical({ aliases }: Pick<TestCode, 'aliases'>, name: Variable): Variable {
  const other = aliases.get(name)
  return other === undefined || other === name ? name : canonical({ aliases }, other)
}

function effectsOfStep(test: TestCode, step: Step, outputs: ReadonlySet<Variable>): StepEffects {
  const uses = usedVariables(test, step)
  for (const context of step.contexts) {
    if (!isHarmless(context)) usedVariables(test, context).forEach((name) => uses.add(name))
  }
  if (step.binds !== null) return { defines: new Set([step.binds]), changes: new Set(), uses }
  const { frame, node } = step
  const named = (names: Iterable<string>): Set<Variable> =>
    new Set([...names].filter((name) => frame.locals.has(name)).map((name) => canonical(test, variable(frame, name))))
  const defines = named(boundNames(frame.module.file, node))
  const changes = named(changedBelow(frame, node))
  const { given, isInPlace } = argumentsOfCall(frame, node)
  const changedByCalls = named(given)
  for (const name of changedByCalls) {
    if (isKeptBy(name, changedByCalls, outputs)) changes.delete(name)
    else if (!isInPlace || outputs.has(name)) changes.add(name)
  }
  return { defines, changes, uses }
}

// Of the arguments of a call that gives nothing back, those made as empty buffers are what it writes; without such a buffer it
// may write to any.
function isKeptBy(name: Variable, all: ReadonlySet<Variable>, outputs: ReadonlySet<Variable>): boolean {
  const hasOutput = [...all].some((other) => outputs.has(other))
  return hasOutput && !outputs.has(name)
}

function changedBelow(frame: Frame, node: SyntaxNode): string[] {
  const { file } = frame.module
  return [...walk(node, (inner) => inner.type !== 'function_definition' && inner.type !== 'lambda')].flatMap(
    (inner) => {
      if (inner.type === 'call') return changedByMethod(frame, inner)
      if (inner.type === 'augmented_assignment') {
        const left = fieldOf(inner, 'left')
        return left === null
          ? []
          : [...changedNames(file, left), ...(left.type === 'identifier' ? [textOf(file, left)] : [])]
      }
      const target = inner.type === 'assignment' ? fieldOf(inner, 'left') : null
      return target === null || isGradient(textOf(file, target)) ? [] : changedNames(file, target)
    },
  )
}

// `x.grad = None`, `x.grad, w.grad = None, None`, `x.grad.zero_()`: no value that a forward pass reads.
function isGradient(place: string): boolean {
  return place.split(',').every((part) => /\.grad\s*$/.test(part))
}

const MUTATORS = new Set([
  'append',
  'extend',
  'insert',
  'update',
  'add',
  'pop',
  'clear',
  'remove',
  'setdefault',
  'add_module',
  'load_state_dict',
  'register_buffer',
  'register_parameter',
  'apply',
])

// `x.fill_(0)`, `x.weight.copy_(y)`, `torch.nn.init.normal_(x.weight)`, `f(x, out=y)`; a name of one underscore alone is none.
function changedByMethod(frame: Frame, call: SyntaxNode): string[] {
  const { file } = frame.module
  const callee = fieldOf(call, 'function')
  const { positional, keywords } = argumentsOf(file, call)
  const out = keywords.get('out')
  const written =
    out === undefined
      ? []
      : [...walk(out)].filter(({ type }) => type === 'identifier').map((node) => textOf(file, node))
  const attribute = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  const object = callee?.type === 'attribute' ? fieldOf(callee, 'object') : null
  if (callee === null || attribute === null || object === null || isGradient(textOf(file, object))) return written
  const method = textOf(file, attribute)
  const isInPlace = /[a-z0-9]_$/i.test(method) && method !== 'requires_grad_'
  const [root, first] = [placeRoot(object), positional[0]]
  const isVariable = root.type === 'identifier' && frame.locals.has(textOf(file, root))
  if (isVariable && (isInPlace || MUTATORS.has(method))) return [...written, textOf(file, root)]
  const target = !isVariable && isInPlace && first !== undefined ? placeRoot(first) : null
  return target?.type === 'identifier' ? [...written, textOf(file, target)] : written
}

// The variable whose own memory an expression is: not that of `x.clone()`, which is new.
function placeRoot(node: SyntaxNode): SyntaxNode {
  const holdsCall = [...walk(node)].some(({ type }) => type === 'call')
  return holdsCall ? node : rootOf(node)
}

const PURE = new Set([
  'print',
  'assert',
  'len',
  'skip',
  'synchronize',
  'manual_seed',
  'seed',
  'backward',
  'empty_cache',
  'info',
  'debug',
])

const NO_ARGUMENTS = { given: [], isInPlace: false }

// A call whose result nobody takes is there for what it does to its arguments. A name like `scale_` says that it writes to the first,
// which `changedByMethod` knows; only buffers among its arguments say otherwise.
function argumentsOfCall(frame: Frame, node: SyntaxNode): { given: readonly string[]; isInPlace: boolean } {
  const { file } = frame.module
  const call = node.type === 'expression_statement' ? node.children[0] : undefined
  const callee = call?.type === 'call' ? fieldOf(call, 'function') : null
  if (call === undefined || callee === null) return NO_ARGUMENTS
  const parts = callee.type === 'subscript' ? null : nameChain(file, callee)
  const name = parts?.at(-1) ?? ''
  const isMethod = parts !== null && parts.length > 1 && frame.locals.has(parts[0] ?? '')
  if (PURE.has(name) || isMethod) return NO_ARGUMENTS
  const { positional, keywords } = argumentsOf(file, call)
  const given = [...positional, ...keywords.values()]
    .filter(({ type }) => type === 'identifier')
    .map((argument) => textOf(file, argument))
  return { given, isInPlace: /[a-z0-9]_$/i.test(name) }
}

const EMPTY = /^(?:empty|zeros|ones|full|new_empty|new_zeros|new_full)(?:_like|_strided)?$/

// Variables that are made as buffers: `out = torch.empty_like(x)`.
function outputVariables(test: TestCode): Set<Variable> {
  const outputs = new Set<Variable>()
  for (const { frame, node, binds } of test.steps) {
    const assignment = binds === null ? node.children[0] : undefined
    const [left, right] =
      assignment?.type === 'assignment' ? [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')] : []
    const value = binds === null ? right : node
    const callee = value?.type === 'call' ? fieldOf(value, 'function') : null
    const attribute = callee === null ? null : (fieldOf(callee, 'attribute') ?? callee)
    if (attribute === null || !EMPTY.test(textOf(frame.module.file, attribute))) continue
    const name = left?.type === 'identifier' ? variable(frame, textOf(frame.module.file, left)) : binds
    if (name !== null) outputs.add(canonical(test, name))
  }
  return outputs
}
