import { describe, expect, it } from 'vitest'
import { sft } from '../../../exports/configs/sft.ts'
import type { ConfigRow, Selection } from '../../../exports/types.ts'
import { toStored } from '../../../pipelines/core/parquet-schema.ts'
import { aCandidate, aPerformance, aReasoning, aTask, aWorkload, anEvaluation } from '../../records.ts'
import { aSelection, datasetOf, rowsOf as rowsOfConfig } from '../selections.ts'

const workloads = [aWorkload({ N: '64' }), aWorkload({ N: '65' })]
const task = aTask({ workloads })

async function rowsOf(selections: readonly Partial<Selection>[], options: unknown = {}): Promise<ConfigRow[]> {
  const all = await Promise.all(selections.map((fields) => aSelection(fields)))
  return rowsOfConfig(sft, datasetOf(all), options)
}

async function rowOf(fields: Partial<Selection>, options: unknown = {}) {
  const candidate = aCandidate(task)
  const [item] = await rowsOf([{ task, candidate, ...fields }], options)
  return item !== undefined && 'row' in item ? item.row : {}
}

describe('the config sft', () => {
  it('has a value that fits for every column, however little is known', async () => {
    const bare = aTask({ pairing: null, license: null })
    const candidate = aCandidate(bare, { repo_name: null, commit_sha: null, license: null, pieces: [], sources: [] })
    const row = await rowOf({ task: bare, candidate })
    expect(Object.keys(row)).toEqual(sft.columns.map(({ name }) => name))
    for (const column of sft.columns) expect(() => toStored(column, row[column.name])).not.toThrow()
    expect(row).toMatchObject({
      code: null,
      path: null,
      proved_on: null,
      speedup: null,
      environment: null,
      statuses: [],
    })
  })

  it('says what the weakest proof of any workload is, and no speedup unless all were timed', async () => {
    const candidate = aCandidate(task)
    const evaluations = [
      anEvaluation(candidate, { workload_id: workloads[0]?.id ?? '', proved_on: 'gpu', performance: aPerformance(4) }),
      anEvaluation(candidate, { workload_id: workloads[1]?.id ?? '', proved_on: 'interpreter' }),
    ]
    const row = await rowOf({ candidate, evaluations })
    expect(row).toMatchObject({ proved_on: 'interpreter', speedup: null, speedup_ci_low: null })
    expect(JSON.parse(String(row['workloads']))).toMatchObject([
      { axes: { N: '64' }, proved_on: 'gpu', performance: { speedup: 4 } },
      { axes: { N: '65' }, proved_on: 'interpreter', performance: null },
    ])
    expect(JSON.parse(String(row['checks']))).toHaveLength(2)
  })

  it('begins the answer with the reasoning, or leaves it out as the recipe says', async () => {
    const candidate = aCandidate(task, { reasoning: aReasoning(7, { text: '<think>because</think>' }) })
    const answerOf = async (options: unknown) => JSON.stringify((await rowOf({ candidate }, options))['messages'])
    expect(await answerOf({})).toContain('<think>\\nbecause\\n</think>\\n\\n```python')
    expect(await answerOf({ reasoning: 'omit' })).not.toContain('because')
  })

  it('has no column that a trainer would take for something else', () => {
    // TRL looks for these names to tell what kind of dataset it has.
    const names = sft.columns.map(({ name }) => name)
    expect(
      names.filter((name) => ['prompt', 'completion', 'chosen', 'rejected', 'label', 'text', 'tools'].includes(name)),
    ).toEqual([])
  })

  it('has speedups over every baseline with their lower ends, and none over what was not timed', async () => {
    const candidate = aCandidate(task)
    const figures = { latency_ms: 1, speedup: 1.5, speedup_ci_low: 1.4, speedup_ci_high: 1.6, reason: null }
    const compiled = aPerformance(3, { baselines: [{ baseline: 'compile', ...figures }] })
    expect(await rowOf({ candidate, evaluations: [anEvaluation(candidate, { performance: compiled })] })).toMatchObject(
      {
        speedup: 3,
        speed_outcome: 'faster',
        speedup_compile: 1.5,
        speedup_compile_ci_low: 1.4,
        speedup_best: 1.5,
        speedup_best_ci_low: 1.4,
      },
    )
    const eager = anEvaluation(candidate, { performance: aPerformance(3) })
    expect(await rowOf({ candidate, evaluations: [eager] })).toMatchObject({
      speedup_compile: null,
      speedup_best_ci_low: expect.closeTo(2.7),
    })
  })

  it('says what it was proved on and with, and not on whose machine', async () => {
    const candidate = aCandidate(task)
    const { environment } = anEvaluation(candidate)
    const evaluations = [anEvaluation(candidate, { environment: { ...environment, node: 'gpu-7.lab.example' } })]
    const row = await rowOf({ candidate, evaluations })
    expect(JSON.parse(String(row['environment']))).toEqual(environment)
    expect(JSON.stringify(row)).not.toContain('gpu-7')
  })

  it('gives the reason instead of a row that would break', async () => {
    const candidate = aCandidate(task, { reasoning: aReasoning(7, { text: 'a</think>b' }) })
    const items = await rowsOf([{ task, candidate, evaluations: [], decisions: [] }])
    expect(items).toMatchObject([{ candidate: { id: candidate.id }, reason: 'reasoning_has_tags' }])
    const omitted = await rowsOf([{ task, candidate, evaluations: [], decisions: [] }], { reasoning: 'omit' })
    expect(omitted).toMatchObject([{ taskId: task.id }])
  })

  it('gives what was measured as evidence, where it is asked for, and marks it as that', async () => {
    const candidate = aCandidate(task, { reasoning: aReasoning(7, { text: 'A model thought this.' }) })
    const evaluations = [anEvaluation(candidate, { performance: aPerformance(2) })]
    const selection = { task, candidate, evaluations, decisions: [] }
    const [row] = await rowsOf([selection], { reasoning: 'evidence' })
    expect(row).toMatchObject({
      row: { reasoning_kind: 'evidence', reasoning: expect.stringMatching(/^Measured, not thought/) },
    })
    expect(JSON.stringify(row)).not.toContain('A model thought this.')
    const [untimed] = await rowsOf([{ ...selection, evaluations: [] }], { reasoning: 'evidence' })
    expect(untimed).toMatchObject({ row: { reasoning_kind: null, reasoning: null } })
  })
})
