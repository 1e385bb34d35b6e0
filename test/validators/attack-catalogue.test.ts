import { describe, expect, test } from 'vitest'
import { kernelFixtures } from './kernel-fixtures.ts'

// The catalogue of 46 ways to cheat a judge of kernels. What an attack is answered with is in its folder and checked by
// validator.test.ts; here is checked that none was forgotten, and that each comes from an honest program that passes.
const fixtures = kernelFixtures()
const byName = new Map(fixtures.map((fixture) => [fixture.name, fixture]))
const attacks = fixtures.filter(({ expected }) => expected.attacks.length > 0)

describe('the attack catalogue', () => {
  test('has an attack for every number', () => {
    const covered = new Set(attacks.flatMap((attack) => attack.expected.attacks))
    const numbers = Array.from({ length: 46 }, (_, index) => index + 1)
    expect(numbers.filter((number) => !covered.has(number))).toEqual([])
  })

  test.each(attacks.map((attack) => [attack.name, attack] as const))('expects no pass of %s', (_, { expected }) => {
    const rows = [expected, ...(expected.rows ?? [])]
    const isHarmless = expected.timed === false || expected.max_speedup !== undefined
    expect(rows.filter(({ status }) => status === 'PASSED' && !isHarmless)).toEqual([])
  })

  test.each(attacks.map((attack) => [attack.name, attack] as const))('has an honest twin of %s', (_, { expected }) => {
    expect(byName.get(expected.twin ?? '')?.expected.status).toMatch(/^(PASSED|NOT_RUN)$/)
  })
})
