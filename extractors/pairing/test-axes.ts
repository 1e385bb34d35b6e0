import type { EvaluationScope } from '../python/evaluation.ts'
import { evaluate } from '../python/evaluation.ts'
import { argumentsOf, decoratorsOf, fieldOf, nameChain, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { targetNames } from '../python/names.ts'
import { drawnAxes } from './drawn-axes.ts'
import type { Value } from '../python/values.ts'

/** Names that get values together, row by row: one `parametrize`, or one loop around a comparison. */
export interface Axis {
  readonly names: readonly string[]
  /** Null where the values cannot be told without running something. */
  readonly rows: readonly (readonly Value[])[] | null
}

/** The axes of `@pytest.mark.parametrize` and hypothesis' `@given` above a function or class, the topmost first. */
export function parametrizedAxes(scope: EvaluationScope, definition: SyntaxNode): Axis[] {
  return decoratorsOf(definition).flatMap((decorator) => {
    const drawn = drawnAxes(scope, decorator)
    if (drawn !== null) return drawn
    const callee = decorator.type === 'call' ? fieldOf(decorator, 'function') : null
    const isParametrize = callee !== null && PARAMETRIZE.test(nameChain(scope.module.file, callee)?.at(-1) ?? '')
    const axis = isParametrize ? parametrizedAxis(scope, decorator) : null
    return axis === null ? [] : [axis]
  })
}

// pytest's own, and what libraries of their own have called theirs.
const PARAMETRIZE = /^param(?:etri|eteri)[sz]e$/

/** The axis of a loop over values that are known, or null where they are not. */
export function loopAxis(scope: EvaluationScope, loop: SyntaxNode): Axis | null {
  const [left, right] = [fieldOf(loop, 'left'), fieldOf(loop, 'right')]
  const items = right === null ? null : evaluate(scope, right)
  if (left === null || items?.kind !== 'sequence') return null
  const names = targetNames(scope.module.file, left)
  return { names, rows: rowsOf(items.items, names.length) }
}

/** Whether a function is marked so that no test run calls it. */
export function isSkipped(scope: EvaluationScope, definition: SyntaxNode): boolean {
  return decoratorsOf(definition).some((decorator) => {
    const callee = decorator.type === 'call' ? fieldOf(decorator, 'function') : decorator
    return callee !== null && nameChain(scope.module.file, callee)?.join('.') === 'pytest.mark.skip'
  })
}

function parametrizedAxis(scope: EvaluationScope, call: SyntaxNode): Axis | null {
  const { positional, keywords } = argumentsOf(scope.module.file, call)
  const [names, values] = splatted(scope, positional) ?? [
    namesIn(scope, positional[0] ?? keywords.get('argnames')),
    valueOf(scope, positional[1] ?? keywords.get('argvalues')),
  ]
  if (names === null) return null
  return { names, rows: values?.kind === 'sequence' ? rowsOf(values.items, names.length) : null }
}

// `parametrize(*_SHAPE_PARAMS)`, where the constant holds names and values.
function splatted(scope: EvaluationScope, positional: readonly SyntaxNode[]): [string[] | null, Value | null] | null {
  const [splat] = positional
  if (splat?.type !== 'list_splat') return null
  const both = splat.children[0] === undefined ? null : evaluate(scope, splat.children[0])
  if (both?.kind !== 'sequence') return null
  return [namesOf(both.items[0] ?? null), both.items[1] ?? null]
}

function namesIn(scope: EvaluationScope, node: SyntaxNode | undefined): string[] | null {
  if (node === undefined) return null
  const known = namesOf(evaluate(scope, node))
  // A name that cannot be read is still known to exist; the text of a string says it.
  return known ?? (node.type === 'string' ? splitNames(textOf(scope.module.file, node).replaceAll(/["']/g, '')) : null)
}

function namesOf(value: Value | null): string[] | null {
  if (value?.kind === 'text') return splitNames(value.value)
  if (value?.kind !== 'sequence') return null
  return value.items.flatMap((item) => (item.kind === 'text' ? [item.value] : []))
}

function splitNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function valueOf(scope: EvaluationScope, node: SyntaxNode | undefined): Value | null {
  if (node === undefined) return null
  const whole = evaluate(scope, node)
  if (whole !== null || node.type !== 'list') return whole
  // A row that cannot be read, such as one made by a function, does not spoil the others.
  const items = node.children.map((child) => evaluate(scope, child)).filter((value) => value !== null)
  return items.length === 0 ? null : { kind: 'sequence', type: 'list', items }
}

function rowsOf(items: readonly Value[], width: number): Value[][] | null {
  const rows = items.map((item) => {
    if (width === 1) return [item]
    return item.kind === 'sequence' && item.items.length === width ? [...item.items] : null
  })
  const fitting = rows.filter((row) => row !== null)
  return fitting.length === rows.length && rows.length > 0 ? fitting : null
}
