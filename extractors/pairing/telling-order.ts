import { truth } from '../python/values.ts'
import type { Value } from '../python/values.ts'
import type { KnownValues } from './interpretation.ts'

/**
 * Puts parameter values first that say much: of tensors with enough numbers to tell a right result from a lucky one, and few enough
 * for any machine, with arguments that are not neutral. Tests often begin with the empty shape, no padding, or a factor of zero, on
 * which a kernel that does nothing is right. What runs the call under `torch.compile` comes after what does not: it compiles in each
 * call, and the kernel is the same. Those of one kind keep their order.
 */
export function inTellingOrder(sets: readonly KnownValues[]): KnownValues[] {
  const ranked = sets.map((values) => ({ values, ...rankOf(values) }))
  const order = ranked.toSorted((a, b) => a.size - b.size || a.compiled - b.compiled || a.neutral - b.neutral)
  return order.map(({ values }) => values)
}

// Where outputs have fewer numbers, some are right by chance: two of a test's first shapes are `()` and `(1,)`.
const MIN_ELEMENTS = 64
// What a processor draws, computes and compares within seconds.
const MAX_ELEMENTS = 2 ** 25

// `compile`, `compiled`, `use_torch_compile`, behind the frame that the parameter is of.
const COMPILED = /^\d+:(?:use_|is_)?(?:torch_)?compiled?$/

function rankOf(values: KnownValues): { size: number; compiled: number; neutral: number } {
  const numbers = [...values.values()].map(numbersOf)
  const elements = numbers.flat().reduce((product, number) => product * Math.max(1, Math.abs(number)), 1)
  // Without a shape among them, the sizes may stand in the test itself.
  const hasShape = [...values.values()].some(({ kind }) => kind === 'sequence')
  const isSmall = elements < MIN_ELEMENTS && hasShape
  const isNeutral = (own: readonly number[]): boolean =>
    own.length > 0 && own.every((number) => [0, 1].includes(number))
  const isCompiled = [...values].some(([name, value]) => COMPILED.test(name) && truth(value) === true)
  return {
    size: isSmall ? 2 : elements > MAX_ELEMENTS ? 1 : 0,
    compiled: isCompiled ? 1 : 0,
    neutral: numbers.filter(isNeutral).length,
  }
}

function numbersOf(value: Value): number[] {
  if (value.kind === 'number') return [value.value]
  return value.kind === 'sequence' ? value.items.flatMap(numbersOf) : []
}
