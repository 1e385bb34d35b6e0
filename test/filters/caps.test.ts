import { describe, expect, it } from 'vitest'
import { caps } from '../../filters/caps.ts'
import { askDataset, stated } from './selecting.ts'

async function refused(facts: readonly Parameters<typeof stated>[1][], options: unknown) {
  const decisions = await askDataset(
    caps,
    facts.map((given, index) => stated(`c${index}`, given)),
    options,
  )
  return Object.fromEntries(
    decisions.filter(({ keep }) => !keep).map(({ candidate_id, reason }) => [candidate_id, reason]),
  )
}

describe('the filter caps', () => {
  it('keeps the fastest ones of a task', async () => {
    const speeds = [1, 3, 2].map((speedup_eager_ci_low) => ({ speedup_eager_ci_low }))
    expect(await refused(speeds, { per_task: 2 })).toEqual({ c0: 'task_is_full' })
  })

  it('counts generated code under the repository of its reference', async () => {
    const facts = [{ repo_name: 'a/b' }, { reference_repo_name: 'a/b' }]
    const judged = facts.map((given, index) => stated(`c${index}`, given, { repo_name: null }))
    const decisions = await askDataset(caps, judged, { per_repository: 1 })
    expect(decisions.map(({ keep }) => keep)).toEqual([true, false])
  })

  it('has quotas for the values that the recipe names, and no limit for others', async () => {
    const families = ['matmul', 'matmul', 'softmax', 'softmax'].map((operator_family) => ({ operator_family }))
    expect(await refused(families, { quotas: { operator_family: { matmul: 1 } } })).toEqual({
      c1: 'operator_family_is_full',
    })
    expect(await refused(families, { quotas: { operator_family: { "o'neil": 0 } } })).toEqual({})
    expect(await refused(families, {})).toEqual({})
  })

  it('does not count what has no value together', async () => {
    expect(await refused([{}, {}], { per_generator: 1 })).toEqual({})
  })
})
