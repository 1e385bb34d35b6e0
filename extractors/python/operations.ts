import { boolean, equals, float, integer, literalText, numeric, sequence } from './values.ts'
import type { Value } from './values.ts'

const MAX_ITEMS = 5000

/** `a + b` and the other arithmetic operators on numbers, strings and sequences; null where Python would fail or is not followed. */
export function binary(operator: string, a: Value, b: Value): Value | null {
  if (a.kind === 'sequence' || b.kind === 'sequence') return onSequences(operator, a, b)
  if (a.kind === 'text' && b.kind === 'text')
    return operator === '+' ? { kind: 'text', value: a.value + b.value } : null
  const [left, right] = [numeric(a), numeric(b)]
  if (left === null || right === null) return null
  const isFloat = [a, b].some((value) => value.kind === 'number' && value.isFloat)
  const result = arithmetic(operator, left, right, isFloat)
  if (result === null) return null
  if (isFloat || operator === '/') return float(result)
  return Number.isSafeInteger(result) ? integer(result) : null
}

/** `a < b`, `a in b` and the other comparisons; null where it cannot be known. */
export function compare(operator: string, a: Value, b: Value): Value | null {
  if (operator === '==' || operator === 'is') return known(equals(a, b))
  if (operator === '!=' || operator === 'is not') return negated(known(equals(a, b)))
  if (operator === 'in') return contains(a, b)
  if (operator === 'not in') return negated(contains(a, b))
  const [left, right] = [numeric(a), numeric(b)]
  if (left === null || right === null) return null
  if (operator === '<') return boolean(left < right)
  if (operator === '<=') return boolean(left <= right)
  if (operator === '>') return boolean(left > right)
  return operator === '>=' ? boolean(left >= right) : null
}

/** `base[key]`, or null. */
export function index(base: Value, key: Value): Value | null {
  if (base.kind === 'dictionary') {
    return base.entries.find(([candidate]) => equals(candidate, key) === true)?.[1] ?? null
  }
  const at = numeric(key)
  if (base.kind !== 'sequence' || at === null) return null
  return base.items.at(at) ?? null
}

/** `base[from:to]`; `written` tells which bound was left out. Steps are not followed. */
export function slice(base: Value, written: string, bounds: readonly (number | null)[]): Value | null {
  const text = written.trim()
  if (base.kind !== 'sequence' || bounds.includes(null) || text.split(':').length !== 2) return null
  const from = text.startsWith(':') ? 0 : (bounds[0] ?? 0)
  const to = text.endsWith(':') ? base.items.length : (bounds.at(-1) ?? base.items.length)
  return sequence(base.type, base.items.slice(from, to))
}

function arithmetic(operator: string, a: number, b: number, isFloat: boolean): number | null {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return b === 0 ? null : a / b
    case '//':
      return b === 0 ? null : Math.floor(a / b)
    case '%':
      return b === 0 ? null : a - Math.floor(a / b) * b
    case '**':
      return b < 0 && !isFloat ? null : a ** b
    default:
      return isFloat ? null : bitwise(operator, a, b)
  }
}

function bitwise(operator: string, a: number, b: number): number | null {
  if (operator === '<<') return b >= 0 && b < 50 ? a * 2 ** b : null
  if (operator === '>>') return b >= 0 ? Math.floor(a / 2 ** b) : null
  if (Math.max(Math.abs(a), Math.abs(b)) > 0x7fffffff) return null
  if (operator === '&') return a & b
  if (operator === '|') return a | b
  return operator === '^' ? a ^ b : null
}

function onSequences(operator: string, a: Value, b: Value): Value | null {
  if (operator === '+' && a.kind === 'sequence' && b.kind === 'sequence' && a.type === b.type) {
    return sequence(a.type, [...a.items, ...b.items])
  }
  const [list, count] = a.kind === 'sequence' ? [a, numeric(b)] : [b, numeric(a)]
  if (operator !== '*' || list.kind !== 'sequence' || count === null) return null
  if (count < 0 || list.items.length * count > MAX_ITEMS) return null
  return sequence(
    list.type,
    Array.from({ length: count }).flatMap(() => list.items),
  )
}

function contains(a: Value, b: Value): Value | null {
  if (b.kind === 'text' && a.kind === 'text') return boolean(b.value.includes(a.value))
  const items = b.kind === 'sequence' ? b.items : b.kind === 'dictionary' ? b.entries.map(([key]) => key) : null
  if (items === null) return null
  const same = items.map((item) => (literalText(item) === null && literalText(a) === null ? null : equals(item, a)))
  if (same.includes(true)) return boolean(true)
  return same.includes(null) ? null : boolean(false)
}

function known(value: boolean | null): Value | null {
  return value === null ? null : boolean(value)
}

function negated(value: Value | null): Value | null {
  return value?.kind === 'boolean' ? boolean(!value.value) : null
}
