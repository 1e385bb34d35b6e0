import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openParquet } from '../../../pipelines/core/parquet.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { decisions } from '../../../pipelines/core/records/decision.ts'
import { evaluations } from '../../../pipelines/core/records/evaluation.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import { readTable, rowOf } from '../../../pipelines/core/table.ts'
import type { Table } from '../../../pipelines/core/table.ts'
import {
  aCandidate,
  aDecision,
  aPerformance,
  aReasoning,
  aReject,
  aTask,
  aWorkload,
  anEvaluation,
} from '../../records.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'curate-table-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function roundTrip<Row extends object>(table: Table<Row>, rows: readonly Row[]): Promise<Row[]> {
  const path = join(directory, `${table.name}.parquet`)
  const sink = openParquet(path, table.columns)
  for (const row of rows) await sink.write(rowOf(table, row).row)
  await sink.close()
  return Array.fromAsync(readTable(table, path))
}

const task = aTask({ workloads: [aWorkload({ N: '1024', dtype: '"torch.float16"' })] })
const candidate = aCandidate(task)

describe('a table', () => {
  it('gives tasks back as they were', async () => {
    const rows = [task, aTask({ pairing: null, tolerance: { atol: null, rtol: 1e-3 }, license: null })]
    expect(await roundTrip(tasks, rows)).toEqual(rows)
  })

  it('gives candidates back as they were', async () => {
    const rows = [candidate, aCandidate(task, { reasoning: aReasoning(3, { text: 'λ "quoted"\n' }), generator: 'm' })]
    expect(await roundTrip(candidates, rows)).toEqual(rows)
  })

  it('gives evaluations back as they were', async () => {
    const figures = { latency_ms: 1, reference_latency_ms: 2, speedup: 2, speedup_ci_low: 1.9, speedup_ci_high: null }
    const kernel = { name: 'double(float*)', registers: 32, shared_bytes: 1024, stack_bytes: 0 }
    const rows = [
      anEvaluation(candidate, {
        performance: aPerformance(1.5),
        certified_on: ['GPU-a', 'GPU-b'].map((gpu) => ({ gpu, hardware: 'NVIDIA H200', ...figures })),
        build: {
          compiler: 'g++ 12',
          artifact_sha256: null,
          method: 'split',
          fallback: null,
          kernels: [{ ...kernel, spill_store_bytes: 0, spill_load_bytes: 8 }],
        },
      }),
      anEvaluation(candidate, {
        status: 'TIMEOUT',
        stage: 'run',
        cause: 'TIME_LIMIT',
        blame: 'candidate',
        correctness: null,
        certified_on: null,
      }),
    ]
    expect(await roundTrip(evaluations, rows)).toEqual(rows)
  })

  it('gives decisions and rejects back as they were', async () => {
    const refused = aDecision(candidate, { keep: false, score: null, threshold: 0.1, reason: 'slow', detail: 'λ' })
    expect(await roundTrip(decisions, [aDecision(candidate), refused])).toEqual([aDecision(candidate), refused])
    expect(await roundTrip(rejects, [aReject()])).toEqual([aReject()])
  })

  it('names the file and the field where a file holds something else', async () => {
    const path = join(directory, 'rejects.parquet')
    const sink = openParquet(path, decisions.columns)
    await sink.write(rowOf(decisions, aDecision(candidate)).row)
    await sink.close()
    await expect(Array.fromAsync(readTable(rejects, path))).rejects.toMatchObject({
      code: 'foreign_table',
      message: expect.stringContaining(`${path} does not hold rejects: record_id`),
    })
  })
})
