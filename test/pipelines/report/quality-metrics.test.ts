import { describe, expect, test } from 'vitest'
import { codeGrams, codeSimilarity } from '../../../pipelines/report/code-similarity.ts'
import { bestOfK, qualityMetrics } from '../../../pipelines/report/quality-metrics.ts'
import type { Sample } from '../../../pipelines/report/quality-metrics.ts'

function sample(
  task_id: string,
  passed: boolean | null,
  speedup: number | null = null,
  fields: Partial<Sample> = {},
): Sample {
  return {
    task_id,
    source: 'outputs',
    language: 'triton',
    generator: 'm',
    passed,
    speedup,
    least_speedup: null,
    roofline_share: null,
    similarity: null,
    ...fields,
  }
}

/** Every choice of k of the values, by hand. */
function choices(values: readonly number[], k: number): number[][] {
  if (k === 0) return [[]]
  return values.flatMap((value, index) => choices(values.slice(index + 1), k - 1).map((rest) => [value, ...rest]))
}

describe('bestOfK', () => {
  test.each([1, 2, 3, 5])('is the mean of the best over all choices of %d', (k) => {
    const values = [0, 1.5, 0, 3, 2.2]
    const best = choices(values, k).map((chosen) => Math.max(...chosen))
    expect(bestOfK(values, k)).toBeCloseTo(best.reduce((sum, value) => sum + value, 0) / best.length, 10)
  })

  test('is pass@k for values of 0 and 1, and does not overflow', () => {
    // 1 - C(n - c, k) / C(n, k) with n = 200, c = 20, k = 5
    const values = Array.from({ length: 200 }, (_, index) => Number(index < 20))
    const miss = [0, 1, 2, 3, 4].reduce((product, index) => (product * (180 - index)) / (200 - index), 1)
    expect(bestOfK(values, 5)).toBeCloseTo(1 - miss, 10)
  })

  test('is unknown for fewer values than k', () => {
    expect(bestOfK([1], 2)).toBeNull()
  })
})

describe('qualityMetrics', () => {
  test('has for sure faster what is so at the lower end, over the fastest baseline', () => {
    const samples = [
      sample('a', true, 2, { least_speedup: 1.2 }),
      sample('b', true, 2, { least_speedup: 0.9 }),
      sample('c', false),
    ]
    const [metrics] = qualityMetrics(samples)
    expect(metrics?.fast_1).toBeCloseTo(2 / 3, 10)
    expect(metrics?.sure_1).toBeCloseTo(1 / 3, 10)
    expect(qualityMetrics([sample('a', true, 2)])[0]?.sure_1).toBeNull()
  })

  test('means over tasks, a failure counting nothing', () => {
    const samples = [sample('a', true, 4), sample('a', false), sample('b', true, 1), sample('b', true, 3)]
    const [metrics] = qualityMetrics(samples)
    expect(metrics).toMatchObject({
      tasks: 2,
      samples: 4,
      pass_at_1: 0.75,
      pass_at_5: null,
      fast_0: 0.75,
      fast_1: 0.5,
      fast_2: 0.5,
      speedup_at_1: 2,
    })
  })

  test('gives every task the same weight, and leaves out tasks of whose speed something is unknown', () => {
    const three = [sample('a', true, 4), sample('a', true, 4), sample('a', true, 4)]
    const [even] = qualityMetrics([...three, sample('b', false)])
    expect(even).toMatchObject({ pass_at_1: 0.5, fast_0: 0.5, fast_1: 0.5, speedup_at_1: 2 })
    const [partly] = qualityMetrics([...three, sample('b', true), sample('b', false)])
    expect(partly).toMatchObject({ pass_at_1: 0.75, fast_0: 0.75, fast_1: 1, speedup_at_1: 4 })
  })

  test('compares with the best known implementation, whoever wrote it', () => {
    const own = Array.from({ length: 5 }, () => sample('a', true, 2))
    const [, theirs] = qualityMetrics([
      ...own,
      sample('a', true, 8, { source: 'library', generator: null }),
    ]).toReversed()
    expect(theirs).toBeDefined()
    expect(
      qualityMetrics([...own, sample('a', true, 8, { source: 'library', generator: null })]).find(
        ({ source }) => source === 'outputs',
      )?.perf_at_5,
    ).toBeCloseTo(0.25)
  })

  test('has no speed of what was never timed, and counts nothing that nobody judged', () => {
    const [metrics] = qualityMetrics([sample('a', true), sample('a', null)])
    expect(metrics).toMatchObject({
      samples: 1,
      pass_at_1: 1,
      speedup_at_1: null,
      fast_1: null,
      efficiency_at_1: null,
      similarity: null,
    })
  })

  test('keeps sources, languages and models apart', () => {
    const groups = qualityMetrics([
      sample('a', true),
      sample('a', true, null, { language: 'cuda' }),
      sample('a', true, null, { generator: null }),
    ])
    expect(groups.map(({ language, generator }) => [language, generator])).toEqual([
      ['cuda', 'm'],
      ['triton', 'm'],
      ['triton', null],
    ])
  })
})

describe('codeSimilarity', () => {
  const grams = (code: string) => codeGrams(code, 'python')
  const code = 'def f(x, y):\n    z = x + y * 2\n    return z / x\n'

  test('is 1 for the same code whatever its layout, and little for another', () => {
    expect(codeSimilarity(grams(code), grams(`# same\n${code.replace('x + y', 'x  +  y')}`))).toBe(1)
    expect(codeSimilarity(grams(code), grams('import os\nfor a in os.listdir("."): print(a)\n'))).toBeLessThan(0.1)
  })

  test('sees the same structure under other names', () => {
    const renamed = codeSimilarity(grams(code), grams(code.replaceAll('z', 'total').replaceAll('x', 'left')))
    expect(renamed).toBeGreaterThan(0.5)
    expect(renamed).toBeLessThan(1)
  })

  test('counts a part as less than the whole', () => {
    expect(codeSimilarity(grams('def f(x, y):\n    return x\n'), grams(code))).toBeLessThan(0.6)
  })
})
