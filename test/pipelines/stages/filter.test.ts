import { mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bucketOf } from '../../../pipelines/core/hash.ts'
import { candidateFacts } from '../../../pipelines/core/records/candidate-facts.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import type { Candidate } from '../../../pipelines/core/records/candidate.ts'
import { decisions, selected } from '../../../pipelines/core/records/decision.ts'
import { evaluations } from '../../../pipelines/core/records/evaluation.ts'
import type { Evaluation } from '../../../pipelines/core/records/evaluation.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import type { Task } from '../../../pipelines/core/records/task.ts'
import type { ShardKey } from '../../../pipelines/core/stage.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import { filterStage } from '../../../pipelines/stages/filter.ts'
import { validateShards } from '../../../pipelines/stages/upstream-shards.ts'
import { aCandidate, aPerformance, aReasoning, aTask, anEvaluation } from '../../records.ts'
import { aRecipe, filesUnder, openStageRun } from './stage-run.ts'
import type { StageRun } from './stage-run.ts'

const FILTER: ShardKey = { stage: 'filter', shard: 'all' }
const PAIR: ShardKey = { stage: 'pair', shard: 'example' }
const IMPORT: ShardKey = { stage: 'generate', shard: 'outputs' }
const ALL_FILTERS = { passed: {}, license: {}, speedup: { min: 1.2 }, conciseness: {}, 'exact-dedup': {} }
const IMPORTS = { imports: [{ id: 'outputs', path: 'outputs.jsonl', jsonl: {} }] }

const REFERENCE = (value: string, inputs: string): string => `import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return ${value}

def get_inputs():
    return ${inputs}

def get_init_inputs():
    return []
`

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'curate-filter-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

function open(filters: unknown = ALL_FILTERS, name = 'run'): StageRun {
  return openStageRun(join(directory, name), aRecipe({ filters, generate: IMPORTS }))
}

interface World {
  readonly tasks: readonly Task[]
  readonly mined: readonly Candidate[]
  readonly generated: readonly Candidate[]
  readonly evaluations: readonly Evaluation[]
}

async function writeInputs(run: StageRun, world: World, without: readonly ShardKey[] = []): Promise<void> {
  const wanted = ({ stage, shard }: ShardKey) => !without.some((key) => key.stage === stage && key.shard === shard)
  const pairRows = [...world.tasks.map((row) => rowOf(tasks, row)), ...world.mined.map((row) => rowOf(candidates, row))]
  if (wanted(PAIR)) await run.write(PAIR, pairRows, [tasks, candidates])
  const importRows = world.generated.map((row) => rowOf(candidates, row))
  if (wanted(IMPORT)) await run.write(IMPORT, importRows, [candidates])
  for (const [bucket, key] of validateShards(run.recipe).entries()) {
    const own = world.evaluations.filter(
      ({ candidate_id }) => bucketOf(candidate_id, run.recipe.validate.shards) === bucket,
    )
    if (wanted(key))
      await run.write(
        key,
        own.map((row) => rowOf(evaluations, row)),
        [evaluations],
      )
  }
}

/** Candidates of two tasks, each with its own fate under ALL_FILTERS. */
function manyFates() {
  const [one, two] = [aTask({ reference: 'one' }), aTask({ reference: 'two' })]
  const model = { origin: 'generated', generator: 'a-model', license: null, pieces: [], source: 'outputs' } as const
  const byModel = (code: string, task = one) =>
    aCandidate(task, {
      ...model,
      pieces: [],
      sources: [{ path: 'kernel.py', content: code }],
      reasoning: aReasoning(50),
    })
  const fates = {
    kept: aCandidate(one),
    failed: byModel('y = 1'),
    unlicensed: aCandidate(two, { license: null }),
    slow: byModel('y = 2'),
    fast: byModel('y = 3'),
    copied: byModel('y = 3  # again'),
    unvalidated: byModel('y = 4', two),
    orphan: byModel('y = 5', aTask({ reference: 'gone' })),
  }
  const judged = [
    anEvaluation(fates.kept),
    anEvaluation(fates.failed, { status: 'RUNTIME_ERROR' }),
    anEvaluation(fates.unlicensed),
    anEvaluation(fates.slow, { performance: aPerformance(1) }),
    anEvaluation(fates.fast, { performance: aPerformance(3) }),
    anEvaluation(fates.copied, { performance: aPerformance(2) }),
  ]
  const { kept, unlicensed, ...generated } = fates
  const world = {
    tasks: [one, two],
    mined: [kept, unlicensed],
    generated: Object.values(generated),
    evaluations: judged,
  }
  return { fates, world }
}

describe('the stage filter', () => {
  it('ends every candidate as selected or as rejected by the first filter that refused it', async () => {
    const { fates, world } = manyFates()
    const run = open()
    await writeInputs(run, world)
    await run.run(filterStage)
    const kept = await run.read(selected, FILTER)
    expect(kept.map(({ candidate_id }) => candidate_id)).toEqual([fates.fast.id, fates.kept.id].toSorted())
    const names = ['passed@3', 'license@1', 'speedup@3', 'conciseness@2', 'exact-dedup@3']
    expect(kept.map(({ selected_by }) => selected_by)).toEqual([names, names])
    const rejected = await run.read(rejects, FILTER)
    expect(Object.fromEntries(rejected.map(({ record_id, by, reason }) => [record_id, `${by} ${reason}`]))).toEqual({
      [fates.failed.id]: 'passed@3 runtime_error',
      [fates.unlicensed.id]: 'license@1 no_license',
      [fates.slow.id]: 'speedup@3 below_min_speedup',
      [fates.copied.id]: 'exact-dedup@3 duplicate_code',
      [fates.unvalidated.id]: 'passed@3 not_validated',
      [fates.orphan.id]: 'filter@4 task_missing',
    })
    expect(rejected).toHaveLength(6)
    expect(rejected.find(({ record_id }) => record_id === fates.slow.id)?.source).toBe('outputs')
  })

  it('records the verdict of every filter that was asked, kept or not', async () => {
    const { fates, world } = manyFates()
    const run = open()
    await writeInputs(run, world)
    await run.run(filterStage)
    const rows = await run.read(decisions, FILTER)
    const filtersOf = ({ id }: Candidate) => rows.filter((row) => row.candidate_id === id).map(({ filter }) => filter)
    const recordFilters = ['passed@3', 'license@1', 'speedup@3']
    expect(filtersOf(fates.kept)).toEqual([...recordFilters, 'conciseness@2', 'exact-dedup@3'])
    expect(filtersOf(fates.copied)).toEqual([...recordFilters, 'conciseness@2', 'exact-dedup@3'])
    expect(filtersOf(fates.failed)).toEqual(recordFilters)
    expect(filtersOf(fates.orphan)).toEqual(['filter@4'])
    expect(
      rows.find(({ candidate_id, filter }) => candidate_id === fates.slow.id && filter === 'speedup@3'),
    ).toMatchObject({
      keep: false,
      score: 0.9,
      threshold: 1.2,
      reason: 'below_min_speedup',
    })
  })

  it('writes the same bytes whatever order the rows came in', async () => {
    const { world } = manyFates()
    const reversed = {
      tasks: world.tasks.toReversed(),
      mined: world.mined.toReversed(),
      generated: world.generated.toReversed(),
      evaluations: world.evaluations.toReversed(),
    }
    const [first, second] = [open(ALL_FILTERS, 'first'), open(ALL_FILTERS, 'second')]
    await writeInputs(first, world)
    await writeInputs(second, reversed)
    const [[a], [b]] = [await first.run(filterStage), await second.run(filterStage)]
    expect(a?.output_hash).toBe(b?.output_hash)
    expect(await filesUnder(first.folder(FILTER))).toEqual(await filesUnder(second.folder(FILTER)))
  })

  it('names a shard that is missing, and refuses what it would have proved', async () => {
    const { fates, world } = manyFates()
    const run = open({ passed: {} })
    const bucket = validateShards(run.recipe)[bucketOf(fates.fast.id, 2)]
    expect(bucket).toBeDefined()
    await writeInputs(run, world, bucket === undefined ? [] : [bucket])
    await run.run(filterStage)
    const rejected = await run.read(rejects, FILTER)
    expect(rejected).toContainEqual(
      expect.objectContaining({ record_id: `validate/${bucket?.shard}`, reason: 'missing_shard' }),
    )
    expect(rejected).toContainEqual(expect.objectContaining({ record_id: fates.fast.id, reason: 'not_validated' }))
  })

  it('names a source that could not be reached', async () => {
    const run = openStageRun(directory, aRecipe(), { sources: new Map([['example', null]]) })
    for (const key of validateShards(run.recipe)) await run.write(key, [], [evaluations])
    await run.run(filterStage)
    expect(await run.read(rejects, FILTER)).toMatchObject([{ record_id: 'pair/example', reason: 'missing_shard' }])
  })

  it('counts a candidate that two shards hold once', async () => {
    const task = aTask()
    const candidate = aCandidate(task)
    const run = open({ passed: {} })
    const world = { tasks: [task], mined: [candidate], generated: [candidate], evaluations: [anEvaluation(candidate)] }
    await writeInputs(run, world)
    await run.run(filterStage)
    expect(await run.read(selected, FILTER)).toHaveLength(1)
    expect(await run.read(rejects, FILTER)).toMatchObject([{ record_id: candidate.id, reason: 'copy_of_candidate' }])
  })

  it('gives valid empty tables for an empty input', async () => {
    const run = open()
    await writeInputs(run, { tasks: [], mined: [], generated: [], evaluations: [] })
    const [manifest] = await run.run(filterStage)
    expect(manifest?.outputs.map(({ path, num_rows }) => [path, num_rows])).toEqual([
      ['decisions.parquet', 0],
      ['selected.parquet', 0],
      ['candidate_facts.parquet', 0],
      ['tasks.parquet', 0],
      ['candidates.parquet', 0],
      ['rejects.parquet', 0],
    ])
    expect(manifest?.counts.read).toEqual({ candidates: 0, tasks: 0, evaluations: 0 })
  })

  it('believes no input that is not what its shard wrote', async () => {
    const run = open()
    await writeInputs(run, manyFates().world)
    await truncate(join(run.folder(IMPORT), 'candidates.parquet'), 200)
    await expect(run.run(filterStage)).rejects.toMatchObject({
      code: 'shard_corrupt',
      message: expect.stringContaining('candidates.parquet'),
    })
  })

  it('writes the facts of every candidate, selected or not', async () => {
    const { fates, world } = manyFates()
    const run = open()
    await writeInputs(run, world)
    await run.run(filterStage)
    const rows = new Map((await run.read(candidateFacts, FILTER)).map((row) => [row.candidate_id, row]))
    expect(rows.size).toBe(Object.keys(fates).length - 1)
    expect(rows.get(fates.fast.id)).toMatchObject({
      status: 'PASSED',
      speedup_eager: 3,
      exact_cluster: fates.fast.id,
      task_candidates: 5,
    })
    expect(rows.get(fates.copied.id)).toMatchObject({
      exact_cluster: fates.fast.id,
      speedup_rank: 2,
      reasoning_rank: 1,
    })
    expect(rows.get(fates.unvalidated.id)).toMatchObject({ status: null, speedup_eager: null, contracts_failed: null })
  })

  it(
    'traces references where the recipe says so, and knows them by what they compute',
    { timeout: 60_000 },
    async () => {
      const tasksOf = {
        one: aTask({ reference: REFERENCE('torch.relu(x)', '[torch.randn(4, 8)]') }),
        same: aTask({ reference: REFERENCE('x.clamp(min=0)', '[torch.randn(2, 3, 5)]') }),
        other: aTask({ reference: REFERENCE('torch.sin(x)', '[torch.randn(4, 8)]') }),
        dependent: aTask({ reference: REFERENCE('x if x.sum() > 0 else -x', '[torch.randn(4, 8)]') }),
      }
      const all = Object.values(tasksOf)
      const world = { tasks: all, mined: all.map((task) => aCandidate(task)), generated: [], evaluations: [] }
      const run = openStageRun(join(directory, 'run'), aRecipe({ trace_graphs: true }))
      await writeInputs(run, world, [IMPORT])
      await run.run(filterStage)
      const facts = new Map((await run.read(candidateFacts, FILTER)).map((row) => [row.task_id, row]))
      const { one, same, other, dependent } = tasksOf
      expect(facts.get(one.id)?.reference_graph).toMatch(/^graph@1\/torch[\d.]+\/[0-9a-f]{32}$/)
      expect(facts.get(same.id)?.reference_graph).toBe(facts.get(one.id)?.reference_graph)
      expect(facts.get(same.id)?.semantic_cluster).toBe([one.id, same.id].toSorted()[0])
      expect(facts.get(other.id)?.semantic_cluster).toBe(other.id)
      expect(facts.get(other.id)?.contamination_graph).toBe(0)
      expect(facts.get(dependent.id)).toMatchObject({ reference_graph: null, semantic_cluster: null })
    },
  )

  it('depends on the thresholds of the filters and on nothing else of the recipe', () => {
    const config = (filters: unknown) => open(filters).plan(filterStage)[0]?.config
    expect(config(ALL_FILTERS)).toEqual(config({ ...ALL_FILTERS }))
    expect(config(ALL_FILTERS)).not.toEqual(config({ ...ALL_FILTERS, speedup: { min: 1.3 } }))
    expect(config({ passed: {} })).not.toEqual(config({ passed: {}, license: {} }))
    const external = (filters: unknown) => open(filters).plan(filterStage)[0]?.external
    expect(external(ALL_FILTERS)).toBeNull()
    expect(external({ 'semantic-dedup': { by: 'graph' } })).toMatchObject({ device: 'test' })
  })
})
