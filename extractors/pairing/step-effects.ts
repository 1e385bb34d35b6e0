import { boundNames } from '../python/names.ts'
import type { PythonProject } from '../python/project.ts'
import { freeReferences } from '../python/references.ts'
import { argumentsOf, fieldOf, nameChain, textOf, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import { isHarmless } from './contexts.ts'
import { changedBelow } from './in-place-changes.ts'
import { outerReads } from './outer-reads.ts'
import { variable } from './test-code.ts'
import type { Code, Frame, Step, TestCode, Variable } from './test-code.ts'
import { givesNewValue, writtenArguments } from './written-arguments.ts'

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
export function effectsOf(project: PythonProject, test: TestCode): StepEffects[] {
  const outputs = outputVariables(test)
  return test.steps.map((step) => effectsOfStep(project, test, step, outputs))
}

/**
 * The variables that code reads, other names of the same variable made one. `x.device` reads none: there is one device for all.
 */
export function usedVariables(test: Pick<TestCode, 'aliases' | 'unread'>, { frame, node }: Code): Set<Variable> {
  const { file } = frame.module
  const unread = textOf(file, node).includes('.device') ? onlyForDevice(file, node) : new Set<string>()
  const names = [...outerReads(file, node, test.unread)].filter((name) => frame.locals.has(name) && !unread.has(name))
  return new Set(names.map((name) => canonical(test, variable(frame, name))))
}

// The names of which a node reads nothing but `.device`.
function onlyForDevice(file: PythonFile, node: SyntaxNode): Set<string> {
  const references = freeReferences(file, node)
  const read = new Set(
    references.filter(({ parts }) => parts.length !== 2 || parts[1] !== 'device').map(({ name }) => name),
  )
  return new Set(references.map(({ name }) => name).filter((name) => !read.has(name)))
}

/** The variable that another name stands for. */
export function canonical({ aliases }: Pick<TestCode, 'aliases'>, name: Variable): Variable {
  const other = aliases.get(name)
  return other === undefined || other === name ? name : canonical({ aliases }, other)
}

function effectsOfStep(
  project: PythonProject,
  test: TestCode,
  step: Step,
  outputs: ReadonlySet<Variable>,
): StepEffects {
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
  for (const statement of statementsIn(node)) {
    const { given, isInPlace, isExact = false } = argumentsOfCall(project, frame, statement)
    const changedByCalls = named(given)
    for (const name of changedByCalls) {
      if (isExact) changes.add(name)
      else if (isKeptBy(name, changedByCalls, outputs)) changes.delete(name)
      else if (!isInPlace || outputs.has(name)) changes.add(name)
    }
  }
  return { defines, changes, uses }
}

// A statement itself, or those of a block that is one step.
function statementsIn(node: SyntaxNode): SyntaxNode[] {
  const isInside = (inner: SyntaxNode): boolean => inner.type !== 'function_definition' && inner.type !== 'lambda'
  return [...walk(node, isInside)].filter(({ type }) => type === 'expression_statement')
}

// Of the arguments of a call that gives nothing back, those made as empty buffers are what it writes; without such a buffer it
// may write to any.
function isKeptBy(name: Variable, all: ReadonlySet<Variable>, outputs: ReadonlySet<Variable>): boolean {
  const hasOutput = [...all].some((other) => outputs.has(other))
  return hasOutput && !outputs.has(name)
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
  'retain_grad',
  'requires_grad_',
  'register_hook',
  'wait',
  'record',
  'wait_stream',
  'wait_event',
  'record_stream',
  'close',
  'cuda',
  'cpu',
  'to',
])

const OWN = new Set(['self', 'cls'])
const NO_ARGUMENTS = { given: [], isInPlace: false }

// A call whose result nobody takes is there for what it does to its arguments. A name like `scale_` says that it writes to the first,
// which `changedByMethod` knows; only buffers among its arguments say otherwise.
function argumentsOfCall(
  project: PythonProject,
  frame: Frame,
  node: SyntaxNode,
): { given: readonly string[]; isInPlace: boolean; isExact?: boolean } {
  const { file } = frame.module
  const call = node.type === 'expression_statement' ? node.children[0] : undefined
  const callee = call?.type === 'call' ? fieldOf(call, 'function') : null
  if (call === undefined || callee === null) return NO_ARGUMENTS
  const parts = callee.type === 'subscript' ? null : nameChain(file, callee)
  const name = parts?.at(-1) ?? ''
  if (PURE.has(name)) return NO_ARGUMENTS
  const [object = ''] = parts ?? []
  const isMethod = parts !== null && parts.length > 1 && frame.locals.has(object)
  // `metadata.need_bias(bias)`, `layer.eval()`: there for what it does to the object; of `self` everything is one.
  if (isMethod) return { given: OWN.has(object) ? [] : [object], isInPlace: false }
  const { positional, keywords } = argumentsOf(file, call)
  // It says itself what it writes to.
  if (keywords.has('out')) return NO_ARGUMENTS
  const written = writtenArguments(project, frame, call)
  if (written !== null) return { given: written, isInPlace: false, isExact: true }
  // What gives a new value is called for nothing but to warm up, unless it was given a buffer to write to.
  const onlyBuffers = givesNewValue(project, frame, call)
  const given = [...positional, ...keywords.values()]
    .filter(({ type }) => type === 'identifier')
    .map((argument) => textOf(file, argument))
  return { given, isInPlace: onlyBuffers || /[a-z0-9]_$/i.test(name) }
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
