import { NONE, boolean, float, integer, numeric, sequence, truth } from './values.ts'
import type { Value } from './values.ts'

type Arguments = readonly (Value | null)[]
type Keywords = ReadonlyMap<string, Value | null>

/**
 * The result of a call to a function that is known to do nothing but compute, or null. `name` is dotted for imported functions.
 * `pytest.param(a, b, marks=...)` is the tuple of its values; for one value it is that value.
 */
export function callBuiltin(name: string, values: Arguments, keywords: Keywords): Value | null {
  if (name === 'pytest.param') return parameterSet(values)
  const known = values.filter((value) => value !== null)
  if (known.length < values.length) return null
  const call = FUNCTIONS[name]
  return call === undefined ? null : call(known, keywords)
}

const MAX_ITEMS = 5000

type Function = (values: readonly Value[], keywords: Keywords) => Value | null

const FUNCTIONS: Record<string, Function> = {
  range: (values) => rangeOf(values.map(numeric)),
  list: (values) => withItems(values, (items) => sequence('list', items)),
  tuple: (values) => withItems(values, (items) => sequence('tuple', items)),
  set: (values) => withItems(values, (items) => sequence('set', items)),
  reversed: (values) => withItems(values, (items) => sequence('list', items.toReversed())),
  len: ([value]) => (value?.kind === 'sequence' ? integer(value.items.length) : null),
  sum: (values) => fold(values.slice(0, 1), (a, b) => a + b, 0),
  min: (values) => fold(values, Math.min, null),
  max: (values) => fold(values, Math.max, null),
  abs: ([value]) =>
    value?.kind === 'number' ? { ...value, value: Math.abs(value.value), text: value.text.replace(/^-/, '') } : null,
  int: ([value]) => toInteger(value),
  float: ([value]) => toFloat(value),
  bool: ([value]) => toBoolean(value),
  any: (values) => withTruths(values, (truths) => truths.includes(true)),
  all: (values) => withTruths(values, (truths) => !truths.includes(false)),
  str: ([value]) => (value?.kind === 'text' ? value : null),
  zip: (values) => zipped(values),
  enumerate: (values) =>
    withItems(values.slice(0, 1), (items) =>
      sequence(
        'list',
        items.map((item, at) => sequence('tuple', [integer(at), item])),
      ),
    ),
  sorted: (values) => withItems(values, (items) => sortedNumbers(items)),
  dict: (values, keywords) => dictionary(values, keywords),
  'itertools.product': (values, keywords) => product(values, keywords),
  'itertools.chain': (values) => chained(values),
  'torch.Size': ([value]) => (value?.kind === 'sequence' ? sequence('tuple', value.items) : null),
  // Data sets are for GPUs: what a test would do without one is not asked.
  'torch.cuda.is_available': () => boolean(true),
}

function parameterSet(values: Arguments): Value | null {
  if (values.includes(null)) return null
  const items = values.filter((value) => value !== null)
  return items.length === 1 ? (items[0] ?? null) : sequence('tuple', items)
}

function rangeOf(bounds: readonly (number | null)[]): Value | null {
  if (bounds.includes(null)) return null
  const [first = 0, second, step = 1] = bounds.map((bound) => bound ?? 0)
  const [from, to] = second === undefined ? [0, first] : [first, second]
  if (step === 0 || (to - from) / step > MAX_ITEMS) return null
  const items: Value[] = []
  for (let at = from; step > 0 ? at < to : at > to; at += step) items.push(integer(at))
  return sequence('list', items)
}

function withItems([value]: readonly Value[], make: (items: readonly Value[]) => Value | null): Value | null {
  if (value === undefined) return make([])
  return value.kind === 'sequence' ? make(value.items) : null
}

function withTruths(values: readonly Value[], hold: (truths: readonly boolean[]) => boolean): Value | null {
  return withItems(values, (items) => {
    const truths = items.flatMap((item) => truth(item) ?? [])
    return truths.length < items.length ? null : boolean(hold(truths))
  })
}

function fold(values: readonly Value[], apply: (a: number, b: number) => number, start: number | null): Value | null {
  const [first] = values
  const items = values.length === 1 && first?.kind === 'sequence' ? first.items : values
  const numbers = items.map(numeric)
  if (numbers.includes(null) || (items.length === 0 && start === null)) return null
  const result = numbers.reduce((a, b) => (a === null ? b : apply(a, b ?? 0)), start)
  const isFloat = items.some((item) => item.kind === 'number' && item.isFloat)
  if (result === null) return null
  return isFloat ? float(result) : integer(result)
}

function toInteger(value: Value | undefined): Value | null {
  const number = value === undefined ? 0 : numeric(value)
  return number === null ? null : integer(Math.trunc(number))
}

function toFloat(value: Value | undefined): Value | null {
  if (value?.kind === 'text') {
    const infinities: Record<string, number> = { inf: Infinity, '-inf': -Infinity, nan: NaN }
    const named = infinities[value.value.toLowerCase()]
    return named === undefined ? null : float(named)
  }
  const number = value === undefined ? 0 : numeric(value)
  return number === null ? null : float(number)
}

function toBoolean(value: Value | undefined): Value | null {
  const known = value === undefined ? false : truth(value)
  return known === null ? null : boolean(known)
}

function zipped(values: readonly Value[]): Value | null {
  const lists = values.flatMap((value) => (value.kind === 'sequence' ? [value.items] : []))
  if (lists.length < values.length) return null
  const length = Math.min(...lists.map((items) => items.length))
  if (lists.length === 0) return sequence('list', [])
  return sequence(
    'list',
    Array.from({ length }, (_, at) =>
      sequence(
        'tuple',
        lists.map((items) => items[at] ?? NONE),
      ),
    ),
  )
}

function sortedNumbers(items: readonly Value[]): Value | null {
  if (items.some((item) => numeric(item) === null)) return null
  return sequence(
    'list',
    items.toSorted((a, b) => (numeric(a) ?? 0) - (numeric(b) ?? 0)),
  )
}

function dictionary(values: readonly Value[], keywords: Keywords): Value | null {
  if (values.length > 0) return null
  const entries = [...keywords].flatMap(([name, value]) =>
    value === null ? [] : [[{ kind: 'text' as const, value: name }, value] as const],
  )
  return entries.length === keywords.size ? { kind: 'dictionary', entries } : null
}

function product(values: readonly Value[], keywords: Keywords): Value | null {
  const repeat = keywords.get('repeat') ?? integer(1)
  const times = numeric(repeat) ?? 0
  const lists = values.flatMap((value) => (value.kind === 'sequence' ? [value.items] : []))
  if (lists.length < values.length || times < 1 || times > 6) return null
  const all = Array.from({ length: times }).flatMap(() => lists)
  if (all.reduce((size, items) => size * items.length, 1) > MAX_ITEMS) return null
  const rows = all.reduce<readonly (readonly Value[])[]>(
    (rows, items) => rows.flatMap((row) => items.map((item) => [...row, item])),
    [[]],
  )
  return sequence(
    'list',
    rows.map((row) => sequence('tuple', row)),
  )
}

function chained(values: readonly Value[]): Value | null {
  const items = values.flatMap((value) => (value.kind === 'sequence' ? [...value.items] : []))
  return values.every((value) => value.kind === 'sequence') ? sequence('list', items) : null
}
