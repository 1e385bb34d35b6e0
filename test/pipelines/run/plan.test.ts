import { describe, expect, test } from 'vitest'
import type { PlannedShard } from '../../../pipelines/core/events.ts'
import type { Manifest } from '../../../pipelines/core/manifest.ts'
import type { ShardKey, ShardSpec } from '../../../pipelines/core/stage.ts'
import { planStage, stagesBetween } from '../../../pipelines/run/plan.ts'
import type { Surroundings } from '../../../pipelines/run/plan.ts'

const SPEC: ShardSpec = {
  stage: 'pair',
  shard: 'library',
  config: { methods: ['test-comparison@1'] },
  external: 'commit-1',
  inputs: [{ stage: 'mine', shard: 'library' }],
}
const UPSTREAM_DONE: PlannedShard = { stage: 'mine', shard: 'library', state: 'done', reason: '' }

describe('the plan of a shard', () => {
  test('is to run what never finished', () => {
    expect(stateOf({ manifest: null })).toEqual(['missing', 'never finished'])
  })

  test('is nothing when settings, input, version and outputs are as recorded', () => {
    expect(stateOf({})).toEqual(['done', ''])
  })

  test.each<[string, Partial<Situation>, string]>([
    [
      'another threshold',
      { spec: { ...SPEC, config: { methods: ['test-comparison@2'] } } },
      'its settings in the recipe or the versions of its parts changed',
    ],
    ['another commit', { spec: { ...SPEC, external: 'commit-2' } }, 'its input changed'],
    ['another output of the stage before', { upstreamOutput: 'other' }, 'its input changed'],
    ['a newer stage', { version: 2 }, 'stage version 1 is now 2'],
    ['an output that is gone', { missingOutput: 'tasks.parquet' }, 'tasks.parquet is gone or was changed'],
  ])('is to run again after %s, and says so', (_case, situation, reason) => {
    expect(stateOf(situation)).toEqual(['stale', reason])
  })

  test('waits while an input is to run', () => {
    const upstream: PlannedShard = { ...UPSTREAM_DONE, state: 'stale', reason: '' }
    expect(stateOf({ upstream })).toEqual(['blocked', 'waits for mine/library'])
  })

  test('is blocked when none of its inputs could be made', () => {
    expect(stateOf({ unavailable: ['mine/library'] })[0]).toBe('blocked')
  })

  test('is blocked when an input it cannot do without could not be made', () => {
    const required = { stage: 'mine' as const, shard: 'failed' }
    const spec = { ...SPEC, inputs: [...SPEC.inputs, required], required: [required] }
    const reason = 'needs mine/failed, which could not be made'
    expect(stateOf({ spec, unavailable: ['mine/failed'] })).toEqual(['blocked', reason])
  })

  test('reads no input that could not be made, even if an older run left one', () => {
    const spec = { ...SPEC, inputs: [...SPEC.inputs, { stage: 'mine' as const, shard: 'unreachable' }] }
    expect(plan({ spec, unavailable: ['mine/unreachable'] }, null).inputs).toEqual(SPEC.inputs)
  })

  test('goes on without an input that could not be made while there are others', () => {
    const spec = { ...SPEC, inputs: [...SPEC.inputs, { stage: 'mine' as const, shard: 'unreachable' }] }
    expect(stateOf({ spec, unavailable: ['mine/unreachable'] })).toEqual(['stale', 'its input changed'])
  })
})

test('stages are selected from one to another, both included', () => {
  expect(stagesBetween('validate', 'export')).toEqual(['validate', 'filter', 'export'])
  expect(stagesBetween(undefined, 'pair')).toEqual(['mine', 'pair'])
  expect(stagesBetween('publish', undefined)).toEqual(['publish'])
})

interface Situation {
  spec: ShardSpec
  version: number
  manifest: null | undefined
  missingOutput: string | null
  upstream: PlannedShard
  upstreamOutput: string
  unavailable: string[]
}

// The recorded hashes are those of the unchanged situation: what the plan itself says a run of it would record.
function stateOf(situation: Partial<Situation>): [string, string] {
  const recorded = plan({}, null)
  const manifest = situation.manifest === null ? null : manifestOf(recorded.configHash, recorded.inputHash)
  const { state, reason } = plan(situation, manifest)
  return [state, reason]
}

function plan(situation: Partial<Situation>, own: Manifest | null) {
  const around: Surroundings = {
    onDisk: ({ stage }: ShardKey) =>
      stage === 'mine'
        ? {
            manifest: { ...manifestOf('', ''), output_hash: situation.upstreamOutput ?? 'output' },
            missingOutput: null,
          }
        : { manifest: own, missingOutput: situation.missingOutput ?? null },
    upstream: () => situation.upstream ?? UPSTREAM_DONE,
    unavailable: ({ stage, shard }) => situation.unavailable?.includes(`${stage}/${shard}`) ?? false,
  }
  const [work] = planStage(situation.version ?? 1, [situation.spec ?? SPEC], around)
  if (work === undefined) throw new Error('a spec gave no plan')
  return work
}

function manifestOf(config_hash: string, input_hash: string): Manifest {
  return {
    format_version: 1, stage: 'pair', stage_version: 1, shard: 'library', config_hash, input_hash, output_hash: '',
    curate_version: '0', engine: 'local', host: '', attempt: null, plan_hash: null, started_at: '', finished_at: '', duration_ms: 0, peak_memory_bytes: 0,
    counts: { read: {}, written: {} }, reject_reasons: {}, outputs: [],
  } // prettier-ignore
}
