import { assignedValue } from './assignments.ts'
import { callBuiltin } from './builtin-calls.ts'
import { comprehend } from './comprehensions.ts'
import { MAX_STEPS, openTrail, rememberConstant } from './evaluation-trail.ts'
import type { EvaluationTrail } from './evaluation-trail.ts'
import type { PythonModule } from './modules.ts'
import { isComprehension } from './names.ts'
import { binary, compare, index, slice } from './operations.ts'
import type { PythonProject } from './project.ts'
import { resolveChain } from './resolution.ts'
import { argumentsOf, fieldOf, fieldsOf, nameChain, textOf } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'
import { NONE, boolean, float, integer, numeric, sequence, truth } from './values.ts'
import type { Value } from './values.ts'

/** Where an expression stands: names are looked up among the locals first, then in the module. */
export interface EvaluationScope {
  readonly project: PythonProject
  readonly module: PythonModule
  /** Null for a variable whose value is not known; it must not be mistaken for a constant of the module with its name. */
  readonly locals: ReadonlyMap<string, Value | null>
  /** Given by the evaluation itself to what it evaluates on the way. */
  readonly trail?: EvaluationTrail
}

/**
 * The value of an expression as far as it is known without running anything, or null. Understood are literals, constants of
 * any module, arithmetic, comparisons, comprehensions, indexing and the calls of builtin-calls.ts. A condition that cannot be
 * known, such as what a device supports, is taken as true: `DTYPES + [bfloat16] if has_bfloat16 else DTYPES` means a GPU of today.
 */
export function evaluate(outer: EvaluationScope, node: SyntaxNode, depth = 0): Value | null {
  const { trail = openTrail(outer.project) } = outer
  const scope = outer.trail === undefined ? { ...outer, trail } : outer
  trail.steps += 1
  trail.work.steps += 1
  if (trail.steps > MAX_STEPS || depth > MAX_DEPTH) {
    trail.isCut = true
    return null
  }
  return literal(scope, node, depth) ?? compound(scope, node, depth)
}

const MAX_DEPTH = 60

function literal(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  switch (node.type) {
    case 'integer':
    case 'float':
      return numberOf(textOf(scope.module.file, node))
    case 'string':
    case 'concatenated_string':
      return stringOf(scope, node, depth)
    case 'true':
    case 'false':
      return boolean(node.type === 'true')
    case 'none':
      return NONE
    case 'list':
    case 'tuple':
    case 'expression_list':
    case 'set':
      return itemsOf(scope, node, depth)
    case 'dictionary':
      return dictionaryOf(scope, node, depth)
    default:
      return null
  }
}

function compound(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  const at = (position: number): Value | null => child(scope, node.children[position], depth)
  const field = (name: string): Value | null => child(scope, fieldOf(node, name) ?? undefined, depth)
  switch (node.type) {
    case 'parenthesized_expression':
      return at(0)
    case 'identifier':
    case 'attribute':
      return named(scope, node, depth)
    case 'unary_operator':
    case 'not_operator':
      return unary(operatorOf(scope, node), field('argument'))
    case 'binary_operator':
      return withBoth(field('left'), field('right'), (a, b) => binary(operatorOf(scope, node), a, b))
    case 'boolean_operator':
      return logical(operatorOf(scope, node), field('left'), () => field('right'))
    case 'comparison_operator':
      return comparison(scope, node, depth)
    case 'conditional_expression':
      return truthOf(at(1)) === false ? at(2) : at(0)
    case 'subscript':
      return subscript(scope, node, depth)
    case 'call':
      return called(scope, node, depth)
    default:
      return isComprehension(node) ? comprehension(scope, node, depth) : null
  }
}

function child(scope: EvaluationScope, node: SyntaxNode | undefined, depth: number): Value | null {
  return node === undefined ? null : evaluate(scope, node, depth + 1)
}

function numberOf(written: string): Value | null {
  const text = written.replaceAll('_', '')
  const isFloat = !/^0[xXoObB]/.test(text) && /[.eE]/.test(text)
  const value = Number(text)
  if (Number.isNaN(value) || (!isFloat && !Number.isSafeInteger(value))) return null
  return { kind: 'number', value, isFloat, text: written }
}

function stringOf(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  const pieces = node.children.map((part) =>
    node.type === 'concatenated_string' ? textIn(stringOf(scope, part, depth)) : piece(scope, part, depth),
  )
  return pieces.includes(null) ? null : { kind: 'text', value: pieces.join('') }
}

// Bytes are no text, and escapes are left to Python: a string that holds one is not known.
function piece(scope: EvaluationScope, part: SyntaxNode, depth: number): string | null {
  const written = textOf(scope.module.file, part)
  if (part.type === 'string_start') return /b/i.test(written) ? null : ''
  if (part.type === 'string_end') return ''
  if (part.type === 'string_content') return part.children.length > 0 ? null : written
  return part.children.length === 1 ? textIn(child(scope, part.children[0], depth)) : null
}

function textIn(value: Value | null): string | null {
  if (value?.kind === 'text') return value.value
  return value?.kind === 'number' && !value.isFloat ? String(value.value) : null
}

function itemsOf(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  const items: Value[] = []
  for (const item of node.children) {
    const isSplat = item.type === 'list_splat'
    const value = child(scope, isSplat ? item.children[0] : item, depth)
    if (value === null || (isSplat && value.kind !== 'sequence')) return null
    items.push(...(isSplat && value.kind === 'sequence' ? value.items : [value]))
  }
  if (node.type === 'list' || node.type === 'set') return sequence(node.type, items)
  return sequence('tuple', items)
}

function dictionaryOf(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  const entries: (readonly [Value, Value])[] = []
  for (const pair of node.children) {
    const [key, value] = [fieldOf(pair, 'key'), fieldOf(pair, 'value')].map((part) =>
      child(scope, part ?? undefined, depth),
    )
    if (pair.type !== 'pair' || !key || !value) return null
    entries.push([key, value])
  }
  return { kind: 'dictionary', entries }
}

function named(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  const { project, module, locals } = scope
  const parts = nameChain(module.file, node)
  if (parts === null) return null
  const local = locals.get(parts[0] ?? '')
  if (local !== undefined) return parts.length === 1 ? local : null
  const meaning = resolveChain(project, module, parts)
  if (meaning.kind === 'external') {
    const name = meaning.dotted.join('.')
    return name === 'math.inf' ? float(Infinity) : { kind: 'symbol', name, node, module }
  }
  if (meaning.kind !== 'definition' || meaning.used < parts.length) return null
  const value = constantOf(scope, meaning.module, meaning.name, depth + 1)
  if (value !== null) return value
  return { kind: 'symbol', name: `${meaning.module.dotted}.${meaning.name}`, node, module }
}

// The value of a name of a module, or null; assignments under conditions are followed where the condition is known.
function constantOf(
  { project, trail }: EvaluationScope,
  module: PythonModule,
  name: string,
  depth: number,
): Value | null {
  const scope: EvaluationScope = { project, module, locals: new Map(), ...(trail === undefined ? {} : { trail }) }
  return rememberConstant(trail ?? openTrail(project), module, name, () => {
    let value: Value | null = null
    for (const { node, changes } of module.definitions.get(name) ?? []) {
      if (changes.has(name)) return null
      const assigned = assignedValue(module.file, node, name, (inner) => evaluate(scope, inner, depth + 1))
      if (assigned !== 'not assigned') value = assigned
    }
    return value
  })
}

function operatorOf({ module }: EvaluationScope, node: SyntaxNode): string {
  const operator = fieldOf(node, 'operator')
  return operator === null ? 'not' : textOf(module.file, operator)
}

function truthOf(value: Value | null): boolean | null {
  return value === null ? null : truth(value)
}

function unary(operator: string, value: Value | null): Value | null {
  const known = truthOf(value)
  if (operator === 'not') return known === null ? null : boolean(!known)
  if (value?.kind !== 'number') return null
  if (operator === '+') return value
  if (operator === '~') return value.isFloat ? null : integer(~value.value)
  return { ...value, value: -value.value, text: value.text.startsWith('-') ? value.text.slice(1) : `-${value.text}` }
}

function withBoth(a: Value | null, b: Value | null, apply: (a: Value, b: Value) => Value | null): Value | null {
  return a === null || b === null ? null : apply(a, b)
}

// One side decides alone where it may: `unknown and False`, `unknown or True`.
function logical(operator: string, left: Value | null, right: () => Value | null): Value | null {
  const decides = operator === 'or'
  const known = truthOf(left)
  if (known !== null) return known === decides ? left : right()
  const other = right()
  return truthOf(other) === decides ? other : null
}

function comparison(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  const { file } = scope.module
  const operators = fieldsOf(node, 'operators').map((operator) => textOf(file, operator).replaceAll(/\s+/g, ' '))
  const operands = node.children.filter(({ field }) => field !== 'operators').map((part) => child(scope, part, depth))
  let result: Value | null = boolean(true)
  for (const [at, operator] of operators.entries()) {
    result = withBoth(operands[at] ?? null, operands[at + 1] ?? null, (a, b) => compare(operator, a, b))
    if (truthOf(result) !== true) return result
  }
  return result
}

function subscript(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  const base = child(scope, fieldOf(node, 'value') ?? undefined, depth)
  const [key, ...more] = fieldsOf(node, 'subscript')
  if (base === null || key === undefined || more.length > 0) return null
  if (key.type !== 'slice') return withBoth(base, child(scope, key, depth), index)
  const bounds = key.children.map((bound) => numeric(child(scope, bound, depth) ?? NONE))
  return slice(base, textOf(scope.module.file, key), bounds)
}

function called(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  const { file } = scope.module
  const callee = fieldOf(node, 'function')
  if (callee === null) return null
  const { positional, keywords } = argumentsOf(file, node)
  const values: (Value | null)[] = []
  for (const argument of positional) {
    const isSplat = argument.type === 'list_splat'
    const value = child(scope, isSplat ? argument.children[0] : argument, depth)
    values.push(...(isSplat && value?.kind === 'sequence' ? value.items : [isSplat ? null : value]))
  }
  const byName = new Map([...keywords].map(([name, value]) => [name, child(scope, value, depth)] as const))
  return callBuiltin(calleeName(scope, callee), values, byName)
}

// `itertools.product` however it was imported; a built-in by its bare name.
function calleeName({ project, module }: EvaluationScope, callee: SyntaxNode): string {
  const parts = nameChain(module.file, callee)
  if (parts === null) return ''
  const meaning = resolveChain(project, module, parts)
  if (meaning.kind === 'external') return meaning.dotted.join('.')
  return meaning.kind === 'unknown' && parts.length === 1 ? (parts[0] ?? '') : ''
}

function comprehension(scope: EvaluationScope, node: SyntaxNode, depth: number): Value | null {
  return comprehend(scope.module.file, node, (inner, locals) =>
    evaluate({ ...scope, locals: new Map([...scope.locals, ...locals]) }, inner, depth + 1),
  )
}
