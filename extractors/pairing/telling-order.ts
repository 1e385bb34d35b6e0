import type { Value } from '../python/values.ts'
import type { KnownValues } from './interpretation.ts'

/**
 * Puts parameter values first that say much: of tensors with enough numbers to tell a right result from a lucky one, and few enough
 * for any machine, with arguments that are not neutral. Tests often begin with the empty shape, no padding, or a factor of zero, on
 * which a kernel that does nothing is right. Those of one kind keep their order.
 */
export function inTellingOrder(sets: readonly KnownValues[]): KnownValues[] {
  const ranked = sets.map((values) => ({ values, ...rankOf(values) }))
  return ranked.toSorted((a, b) => a.size - b.size || a.neutral - b.neutral).map(({ values }) => values)
}

// Where outputs have fewer numbers, some are right by chance: two of a test's first shapes are `()` and `(1,)`.
const MIN_ELEMENTS = 64
// What a processor draws, computes and compares within seconds.
const MAX_ELEMENTS = 2 ** 25

function rankOf(values: KnownValues): { size: number; neutral: number } {
  const numbers = [...values.values()].map(numbersOf)
  const elements = numbers.flat().reduce((product, number) => product * Math.max(1, Math.abs(number)), 1)
  // Without a shape among them, the sizes may stand in the test itself.
  const hasShape = [...values.values()].some(({ kind }) => kind === 'sequence')
  const isSmall = elements < MIN_ELEMENTS && hasShape
  const isNeutral = (own: readonly number[]): boolean =>
    own.length > 0 && own.every((number) => [0, 1].includes(number))
  return { size: isSmall ? 2 : elements > MAX_ELEMENTS ? 1 : 0, neutral: numbers.filter(isNeutral).length }
}

function numbersOf(value: Value): number[] {
  if (value.kind === 'number') return [value.value]
  return value.kind === 'sequence' ? value.items.flatMap(numbersOf) : []
}
