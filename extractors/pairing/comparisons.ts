import { argumentsOf, fieldOf, nameChain, textOf } from '../python/syntax.ts'
import type { CallArguments, PythonFile, SyntaxNode } from '../python/syntax.ts'

/** Two values that a test wants to be the same. */
export interface ComparedValues {
  readonly left: SyntaxNode
  readonly right: SyntaxNode
  /** The call or the condition that compares them. */
  readonly node: SyntaxNode
  /** `call`: assert_close and its kin; `difference`: a bound on how far they are apart. */
  readonly form: 'call' | 'difference'
  readonly atol: SyntaxNode | null
  readonly rtol: SyntaxNode | null
}

type Text = Pick<PythonFile, 'text'>

/** The comparisons in a simple statement: calls wherever they stand, differences where they are asserted. */
export function comparisonsIn(
  file: Text,
  statement: SyntaxNode,
  assignedTo: (name: string) => SyntaxNode | null,
): ComparedValues[] {
  const calls = [...callsBelow(statement)].flatMap((call) => comparedByCall(file, call))
  if (calls.length > 0) return calls
  const condition = statement.type === 'assert_statement' ? statement.children[0] : undefined
  if (condition !== undefined) return comparedByDifference(file, condition, assignedTo)
  return boundedByCall(file, statement, assignedTo)
}

/** Methods of `unittest` that bound one value by another, to whether the first must be the smaller. */
export const ASSERTED_BOUNDS: ReadonlyMap<string, boolean> = new Map([
  ['assertLess', true],
  ['assertLessEqual', true],
  ['assertGreater', false],
  ['assertGreaterEqual', false],
])

/** The method of `unittest` that asserts a condition: `self.assertTrue(error < 1e-3)`. */
export const ASSERTED_CONDITION = 'assertTrue'

// `self.assertLess((out - ref).abs().max(), 1e-3)`
function boundedByCall(
  file: Text,
  statement: SyntaxNode,
  assignedTo: (name: string) => SyntaxNode | null,
): ComparedValues[] {
  const call = statement.type === 'expression_statement' ? statement.children[0] : undefined
  const callee = call?.type === 'call' ? fieldOf(call, 'function') : null
  const name = callee === null ? '' : (lastAttribute(file, callee) ?? '')
  const isUpperBound = ASSERTED_BOUNDS.get(name)
  if (call === undefined) return []
  const [left, right] = argumentsOf(file, call).positional
  if (name === ASSERTED_CONDITION && left !== undefined) return comparedByDifference(file, left, assignedTo)
  if (isUpperBound === undefined) return []
  return left === undefined || right === undefined ? [] : bounded(file, call, { left, right, isUpperBound }, assignedTo)
}

/** Whether a function is called like one that compares two values: `assert_close`, `allclose`, `gems_assert_equal`, `checkAllclose`. */
export function isComparisonName(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split('_')
  // `assertCorrectness` compares; `_test_correctness_once` is a test that does.
  return words.some((word) => COMPARING.has(word)) || (words[0] === 'assert' && words.includes('correctness'))
}

const COMPARING = new Set(['close', 'allclose', 'isclose', 'equal', 'equals', 'similar', 'almost'])

function* callsBelow(node: SyntaxNode): Generator<SyntaxNode> {
  if (node.type === 'function_definition' || node.type === 'class_definition' || node.type === 'lambda') return
  if (node.type === 'call') yield node
  for (const child of node.children) yield* callsBelow(child)
}

const PAIRS: readonly (readonly [string, string])[] = [
  ['actual', 'expected'],
  ['input', 'other'],
  ['actual', 'desired'],
  ['res', 'ref'],
  ['a', 'b'],
]

function comparedByCall(file: Text, call: SyntaxNode): ComparedValues[] {
  const callee = fieldOf(call, 'function')
  const name = callee === null ? null : (nameChain(file, callee)?.at(-1) ?? lastAttribute(file, callee))
  if (callee === null || name === null || !isComparisonName(name)) return []
  const given = argumentsOf(file, call)
  const operands = operandsOf(file, callee, given)
  if (operands === null) return []
  const [left, right] = operands
  const { keywords } = given
  return [
    { left, right, node: call, form: 'call', atol: keywords.get('atol') ?? null, rtol: keywords.get('rtol') ?? null },
  ]
}

function operandsOf(
  file: Text,
  callee: SyntaxNode,
  { positional, keywords }: CallArguments,
): readonly [SyntaxNode, SyntaxNode] | null {
  // Some helpers take a label first: assert_close("o", ref, out).
  const values = positional.filter(({ type }) => type !== 'string' && type !== 'concatenated_string')
  const [first, second] = values
  if (first !== undefined && second !== undefined) return [first, second]
  // Some take both values as one: assert_close((ref, out)).
  const [left, right, ...more] = first?.type === 'tuple' && positional.length === 1 ? first.children : []
  if (left !== undefined && right !== undefined && more.length === 0) return [left, right]
  for (const [left, right] of PAIRS) {
    const both = [keywords.get(left) ?? first, keywords.get(right)]
    if (both[0] !== undefined && both[1] !== undefined) return [both[0], both[1]]
  }
  // `a.allclose(b)`, where `torch.allclose` would have both in its arguments.
  const object = callee.type === 'attribute' ? fieldOf(callee, 'object') : null
  return object !== null && first !== undefined && textOf(file, object) !== 'torch' ? [object, first] : null
}

function lastAttribute(file: Text, callee: SyntaxNode): string | null {
  const attribute = callee.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  return attribute === null ? null : textOf(file, attribute)
}

// `assert (a - b).abs().max() < 1e-3`, also where the difference was given a name before.
function comparedByDifference(
  file: Text,
  condition: SyntaxNode,
  assignedTo: (name: string) => SyntaxNode | null,
): ComparedValues[] {
  if (condition.type === 'boolean_operator') {
    return condition.children
      .filter(({ field }) => field !== 'operator')
      .flatMap((part) => comparedByDifference(file, part, assignedTo))
  }
  if (condition.type === 'parenthesized_expression') {
    return condition.children.flatMap((part) => comparedByDifference(file, part, assignedTo))
  }
  const operator = fieldOf(condition, 'operators')
  const [left, right] = condition.children.filter(({ field }) => field !== 'operators')
  if (condition.type !== 'comparison_operator' || operator === null || left === undefined || right === undefined)
    return []
  const isUpperBound = textOf(file, operator).startsWith('<')
  return bounded(file, condition, { left, right, isUpperBound }, assignedTo)
}

function bounded(
  file: Text,
  node: SyntaxNode,
  { left, right, isUpperBound }: { left: SyntaxNode; right: SyntaxNode; isUpperBound: boolean },
  assignedTo: (name: string) => SyntaxNode | null,
): ComparedValues[] {
  const [value, bound] = isUpperBound ? [left, right] : [right, left]
  const difference =
    differenceIn(file, value, assignedTo, 3) ?? likenessIn(file, isUpperBound ? right : left, assignedTo, 6)
  if (difference === null) return []
  return [{ ...difference, node, form: 'difference', atol: bound, rtol: null }]
}

const DISTANCE = /(?:^|_)(?:diff|difference|err|error|distance|rmse|mse|mae)(?:_|$)/i
const LIKENESS = /(?:^|_)(?:cos|cosine|similarity|snr|psnr|sqnr)(?:_|$)/i

// `assert cosine_similarity(out, ref) > 0.99`, `assert snr > 40`: here more is better.
function likenessIn(
  file: Text,
  node: SyntaxNode,
  assignedTo: (name: string) => SyntaxNode | null,
  hops: number,
): { left: SyntaxNode; right: SyntaxNode } | null {
  if (hops === 0) return null
  const named = node.type === 'identifier' ? assignedTo(textOf(file, node)) : node
  const callee = named?.type === 'call' ? fieldOf(named, 'function') : null
  if (named === null || callee === null) return null
  const name = nameChain(file, callee)?.at(-1) ?? lastAttribute(file, callee) ?? ''
  const [left, right] = argumentsOf(file, named).positional
  if (LIKENESS.test(name) && left !== undefined && right !== undefined) return { left, right }
  // `cosine_similarity(out, ref).mean().item()`
  const object = callee.type === 'attribute' ? fieldOf(callee, 'object') : null
  return object !== null && MEASURES.has(name) ? likenessIn(file, object, assignedTo, hops - 1) : null
}

const MEASURES = new Set([
  'abs',
  'max',
  'amax',
  'norm',
  'mean',
  'sum',
  'item',
  'square',
  'pow',
  'sqrt',
  'float',
  'double',
  'cpu',
  'detach',
  'all',
])

function differenceIn(
  file: Text,
  node: SyntaxNode,
  assignedTo: (name: string) => SyntaxNode | null,
  hops: number,
): { left: SyntaxNode; right: SyntaxNode } | null {
  if (node.type === 'identifier') {
    const value = hops > 0 ? assignedTo(textOf(file, node)) : null
    return value === null ? null : differenceIn(file, value, assignedTo, hops - 1)
  }
  if (node.type === 'binary_operator') {
    const [left, right, operator] = [fieldOf(node, 'left'), fieldOf(node, 'right'), fieldOf(node, 'operator')]
    if (left === null || right === null || operator === null) return null
    if (textOf(file, operator) === '-') return { left, right }
    // A relative error divides the difference by the size of one of the two.
    return textOf(file, operator) === '/' ? differenceIn(file, left, assignedTo, hops) : null
  }
  if (node.type === 'parenthesized_expression') return inFirst(file, node.children, assignedTo, hops)
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  if (callee === null) return null
  const name = nameChain(file, callee)?.at(-1) ?? lastAttribute(file, callee)
  if (name === null) return null
  // `max_diff(out, ref)`, `relative_error(out, ref)`: a helper says how far its first two arguments are apart.
  const [one, other] = argumentsOf(file, node).positional
  if (DISTANCE.test(name) && one !== undefined && other !== undefined) return { left: one, right: other }
  if (!MEASURES.has(name)) return null
  const object = callee.type === 'attribute' ? fieldOf(callee, 'object') : null
  return inFirst(
    file,
    [...argumentsOf(file, node).positional.slice(0, 1), ...(object === null ? [] : [object])],
    assignedTo,
    hops,
  )
}

function inFirst(
  file: Text,
  nodes: readonly SyntaxNode[],
  assignedTo: (name: string) => SyntaxNode | null,
  hops: number,
): { left: SyntaxNode; right: SyntaxNode } | null {
  for (const node of nodes) {
    const found = differenceIn(file, node, assignedTo, hops)
    if (found !== null) return found
  }
  return null
}
