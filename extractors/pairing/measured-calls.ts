import type { PythonModule } from '../python/modules.ts'
import { argumentsOf, fieldOf, parametersOf, textOf, undecorated, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'

/** A statement that measures a function: `run_benchmark(fn, a, b, "f32", out)`. */
export interface MeasuredCall {
  readonly statement: SyntaxNode
  /** What is measured. */
  readonly callable: SyntaxNode
  /** What it is called with in the end, as text of the place of the statement. */
  readonly args: readonly string[]
  /** Whether what it gives back is the result; else it writes into one of its arguments. */
  readonly givesResult: boolean
}

/** Whether a file's text can hold functions that measure others. */
export function mayMeasure(text: string): boolean {
  return (
    text.includes('torch') &&
    /\b(?:time|perf_counter|Event|do_bench)\b/.test(text) &&
    /bench|perf|time|measure/i.test(text)
  )
}

/** The statements of a module that hand a function to one that measures it, in order. */
export function measuredCalls(module: PythonModule): MeasuredCall[] {
  const functions = new Map(module.statements.flatMap(({ node }) => measuringFunctions(module.file, node)))
  if (functions.size === 0) return []
  const { root } = module.file
  // Inside the functions that measure, calls mean their parameters.
  const isOther = (node: SyntaxNode): boolean => ![...functions.values()].some(({ definition }) => definition === node)
  return [...walk(root, isOther)].flatMap((node) => {
    const call = node.type === 'expression_statement' ? callOf(node) : null
    const callee = call === null ? null : fieldOf(call, 'function')
    const measuring = callee?.type === 'identifier' ? functions.get(textOf(module.file, callee)) : undefined
    if (call === null || measuring === undefined) return []
    const measured = measuredBy(module.file, measuring, call)
    return measured === null ? [] : [{ statement: node, ...measured }]
  })
}

function callOf(statement: SyntaxNode): SyntaxNode | null {
  const [inner] = statement.children
  const value = inner?.type === 'assignment' ? fieldOf(inner, 'right') : (inner ?? null)
  return value?.type === 'call' ? value : null
}

interface MeasuringFunction {
  readonly definition: SyntaxNode
  readonly body: SyntaxNode
  /** The parameter that it calls. */
  readonly called: string
}

const MEASURES = /bench|perf|time|measure|profile/i

function measuringFunctions(file: PythonFile, node: SyntaxNode): [string, MeasuringFunction][] {
  const definition = undecorated(node)
  const [name, body] = [fieldOf(definition, 'name'), fieldOf(definition, 'body')]
  if (definition.type !== 'function_definition' || name === null || body === null) return []
  if (!MEASURES.test(textOf(file, name))) return []
  const parameters = parametersOf(file, definition).map((parameter) => parameter.name)
  const called = parameters.find((parameter) => [...walk(body)].some((inner) => calls(file, inner, parameter)))
  return called === undefined ? [] : [[textOf(file, name), { definition, body, called }]]
}

function calls(file: PythonFile, node: SyntaxNode, name: string): boolean {
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  return callee?.type === 'identifier' && textOf(file, callee) === name
}

function measuredBy(
  file: PythonFile,
  { definition, body, called }: MeasuringFunction,
  call: SyntaxNode,
): Omit<MeasuredCall, 'statement'> | null {
  const given = argumentsBound(file, definition, call)
  const callable = given?.get(called)
  if (given === null || callable === undefined || callable === null) return null
  const reached = [...walk(body, (node) => !isNotReached(file, node, given))].filter((node) =>
    calls(file, node, called),
  )
  const last = reached.at(-1)
  if (last === undefined) return null
  const { positional, keywords } = argumentsOf(file, last)
  const values = new Map([...given, ...setInside(file, body, called)])
  const args = positional.map((argument) => argumentText(file, argument, values))
  if (keywords.size > 0 || args.includes(null)) return null
  const isResult = [...walk(body)].some(
    (node) => ['assignment', 'return_statement'].includes(node.type) && node.children.includes(last),
  )
  return { callable, args: args.filter((text) => text !== null), givesResult: isResult }
}

// What the function sets itself: a number is known, anything else is not.
function setInside(file: PythonFile, body: SyntaxNode, called: string): [string, SyntaxNode | null][] {
  return [...walk(body)].flatMap((node): [string, SyntaxNode | null][] => {
    const left = node.type === 'assignment' ? fieldOf(node, 'left') : null
    const right = node.type === 'assignment' ? fieldOf(node, 'right') : null
    if (left?.type !== 'identifier' || right === null || calls(file, right, called)) return []
    return [[textOf(file, left), NUMBERS.has(right.type) ? right : null]]
  })
}

const NUMBERS = new Set(['integer', 'float'])

function argumentsBound(
  file: PythonFile,
  definition: SyntaxNode,
  call: SyntaxNode,
): Map<string, SyntaxNode | null> | null {
  const { positional, keywords } = argumentsOf(file, call)
  if (positional.some(({ type }) => type.endsWith('_splat'))) return null
  const parameters = parametersOf(file, definition)
  return new Map(
    parameters.map(({ name, default: value }, at) => [name, keywords.get(name) ?? positional[at] ?? value]),
  )
}

// `if out is not None: perf_func(a, out) else: out = perf_func(a)`: which of the two it is depends on what was given.
function isNotReached(file: PythonFile, node: SyntaxNode, given: ReadonlyMap<string, SyntaxNode | null>): boolean {
  if (node.field !== 'consequence' && node.type !== 'else_clause') return false
  const condition = conditionOf(file, node)
  if (condition === null) return false
  const holds = conditionHolds(file, condition, given)
  if (holds === null) return false
  return node.type === 'else_clause' ? holds : !holds
}

function conditionHolds(
  file: PythonFile,
  condition: string,
  given: ReadonlyMap<string, SyntaxNode | null>,
): boolean | null {
  const [, negation, name = '', comparison] = /^(not )?(\w+)( is not None| is None| [<>]=? \d+)?$/.exec(condition) ?? []
  const value = given.get(name)
  if (value === undefined) return null
  const text = value === null ? 'None' : textOf(file, value)
  const [, operator = '', bound] = /^ ([<>]=?) (\d+)$/.exec(comparison ?? '') ?? []
  if (bound !== undefined) return /^\d+$/.test(text) ? isOrdered(Number(text), operator, Number(bound)) : null
  const isThere = !['None', 'False', '0'].includes(text)
  return (comparison === ' is None' ? text === 'None' : isThere) !== (negation !== undefined)
}

function isOrdered(left: number, operator: string, right: number): boolean {
  if (left === right) return operator.endsWith('=')
  return operator.startsWith('<') ? left < right : left > right
}

const CONDITIONS = new WeakMap<PythonFile, Map<SyntaxNode, string>>()

// The text of the condition that a branch of an `if` without further branches hangs on.
function conditionOf(file: PythonFile, branch: SyntaxNode): string | null {
  const known = CONDITIONS.get(file) ?? indexConditions(file)
  CONDITIONS.set(file, known)
  return known.get(branch) ?? null
}

function indexConditions(file: PythonFile): Map<SyntaxNode, string> {
  const conditions = new Map<SyntaxNode, string>()
  for (const node of walk(file.root)) {
    const condition = node.type === 'if_statement' ? fieldOf(node, 'condition') : null
    if (condition === null || node.children.some(({ type }) => type === 'elif_clause')) continue
    for (const child of node.children) conditions.set(child, textOf(file, condition))
  }
  return conditions
}

// A parameter means what was given for it, or a number that the function sets; anything else it hands on is its own affair.
function argumentText(
  file: PythonFile,
  argument: SyntaxNode,
  given: ReadonlyMap<string, SyntaxNode | null>,
): string | null {
  if (argument.type !== 'identifier') return null
  const value = given.get(textOf(file, argument))
  return value === undefined || value === null ? null : oneLine(textOf(file, value))
}

/** Text on one line, as it may stand in brackets. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ')
}
