import { describe, expect, it } from 'vitest'
import { diversity } from '../../filters/diversity.ts'
import { askDataset, stated } from './selecting.ts'

const kinds = (...families: readonly string[]) =>
  families.map((operator_family, index) => stated(`c${index}`, { operator_family, speedup_eager_ci_low: 10 - index }))

async function kept(judged: ReturnType<typeof kinds>, options: unknown) {
  const decisions = await askDataset(diversity, judged, options)
  return decisions.filter(({ keep }) => keep).map(({ candidate_id }) => candidate_id)
}

describe('the filter diversity', () => {
  it('takes one of another kind before a third and better one of the same kind', async () => {
    const judged = kinds('matmul', 'matmul', 'matmul', 'softmax')
    expect(await kept(judged, { max_rows: 2, axes: ['operator_family'], decay: 0.1 })).toEqual(['c0', 'c3'])
    expect(await kept(judged, { max_rows: 2, axes: ['operator_family'], decay: 0.99 })).toEqual(['c0', 'c1'])
  })

  it('keeps all where there is no limit', async () => {
    expect(await kept(kinds('a', 'a', 'b'), {})).toEqual(['c0', 'c1', 'c2'])
  })

  it('can ask for a least worth', async () => {
    expect(await kept(kinds('a', 'a', 'a'), { axes: ['operator_family'], decay: 0.5, min_worth: 0.45 })).toEqual(['c0'])
  })
})
