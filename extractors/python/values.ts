import type { PythonModule } from './modules.ts'
import type { SyntaxNode } from './syntax.ts'

/** A Python value that is known without running anything. */
export type Value =
  | { readonly kind: 'number'; readonly value: number; readonly isFloat: boolean; readonly text: string }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'none' }
  | { readonly kind: 'sequence'; readonly type: 'list' | 'tuple' | 'set'; readonly items: readonly Value[] }
  | { readonly kind: 'dictionary'; readonly entries: readonly (readonly [Value, Value])[] }
  /** Something known by name alone: a dtype, a function, a class. The expression that names it stands in `module`. */
  | { readonly kind: 'symbol'; readonly name: string; readonly node: SyntaxNode; readonly module: PythonModule }

export const NONE: Value = { kind: 'none' }

export function integer(value: number): Value {
  return { kind: 'number', value, isFloat: false, text: String(value) }
}

export function float(value: number): Value {
  return { kind: 'number', value, isFloat: true, text: floatText(value) }
}

export function boolean(value: boolean): Value {
  return { kind: 'boolean', value }
}

export function sequence(type: 'list' | 'tuple' | 'set', items: readonly Value[]): Value {
  return { kind: 'sequence', type, items }
}

/** The value as Python text, or null where it holds something that is no literal. Dtypes are spelled `torch.float16`. */
export function literalText(value: Value): string | null {
  switch (value.kind) {
    case 'number':
      return value.text
    case 'text':
      return quoted(value.value)
    case 'boolean':
      return value.value ? 'True' : 'False'
    case 'none':
      return 'None'
    case 'symbol':
      return DTYPE.test(value.name) ? value.name : null
    case 'sequence':
      return sequenceText(value.type, value.items)
    case 'dictionary':
      return dictionaryText(value.entries)
    default:
      return null
  }
}

/** Python's truth of a value; null where it cannot be known. */
export function truth(value: Value): boolean | null {
  switch (value.kind) {
    case 'number':
      return value.value !== 0
    case 'text':
      return value.value !== ''
    case 'boolean':
      return value.value
    case 'none':
      return false
    case 'sequence':
      return value.items.length > 0
    case 'dictionary':
      return value.entries.length > 0
    case 'symbol':
    default:
      return null
  }
}

/** Whether two values are equal to Python; null where it cannot be known. */
export function equals(a: Value, b: Value): boolean | null {
  if (a.kind === 'symbol' || b.kind === 'symbol') return equalSymbols(a, b)
  const numbers = [numeric(a), numeric(b)]
  if (numbers[0] !== null && numbers[1] !== null) return numbers[0] === numbers[1]
  if (a.kind !== b.kind) return false
  if (a.kind === 'sequence' && b.kind === 'sequence') {
    if (a.type !== b.type || a.items.length !== b.items.length) return false
    const pairs = a.items.map((item, index) => equals(item, b.items[index] ?? NONE))
    return pairs.includes(null) ? null : pairs.every((same) => same === true)
  }
  return literalText(a) === literalText(b)
}

/** Numbers and truth values as numbers, as Python's arithmetic takes them. */
export function numeric(value: Value): number | null {
  if (value.kind === 'number') return value.value
  return value.kind === 'boolean' ? Number(value.value) : null
}

/** A string as a Python literal. */
export function quoted(text: string): string {
  const escaped = JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  return escaped.includes('\\') || text.includes("'") ? escaped : `'${text}'`
}

const DTYPE = /^torch\.(?:b?float\d*|double|half|bfloat16|u?int\d+|int|long|short|bool|complex\d+|cfloat|float8_\w+)$/

function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "float('nan')" : `float('${value > 0 ? 'inf' : '-inf'}')`
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? value.toFixed(1) : String(value)
}

function sequenceText(type: 'list' | 'tuple' | 'set', items: readonly Value[]): string | null {
  const texts = items.map(literalText)
  if (texts.includes(null)) return null
  const inner = texts.join(', ')
  if (type === 'tuple') return items.length === 1 ? `(${inner},)` : `(${inner})`
  if (type === 'list') return `[${inner}]`
  return items.length === 0 ? 'set()' : `{${inner}}`
}

function dictionaryText(entries: readonly (readonly [Value, Value])[]): string | null {
  const texts = entries.map(([key, item]) => [literalText(key), literalText(item)])
  if (texts.some((pair) => pair.includes(null))) return null
  return `{${texts.map(([key, item]) => `${key}: ${item}`).join(', ')}}`
}

// Two names of one thing may differ (`torch.half`), so only equal names are known to be equal; dtypes of different names and
// things of another kind are known to differ.
function equalSymbols(a: Value, b: Value): boolean | null {
  if (a.kind !== 'symbol' || b.kind !== 'symbol') return a.kind === 'none' || b.kind === 'none' ? false : null
  if (a.name === b.name) return true
  return SIZED_DTYPE.test(a.name) && SIZED_DTYPE.test(b.name) ? false : null
}

const SIZED_DTYPE = /^torch\.(?:float(?:16|32|64)|bfloat16|u?int(?:8|16|32|64)|bool|complex\d+)$/
