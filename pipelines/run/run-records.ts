import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { candidates } from '../core/records/candidate.ts'
import type { Candidate } from '../core/records/candidate.ts'
import { decisions, selected } from '../core/records/decision.ts'
import type { Decision, Selected } from '../core/records/decision.ts'
import { evaluations } from '../core/records/evaluation.ts'
import type { Evaluation } from '../core/records/evaluation.ts'
import { kernels } from '../core/records/kernel.ts'
import type { Kernel } from '../core/records/kernel.ts'
import { rejects } from '../core/records/reject.ts'
import type { Reject } from '../core/records/reject.ts'
import { tasks } from '../core/records/task.ts'
import type { Task } from '../core/records/task.ts'
import { readManifest } from '../core/manifest.ts'
import { readTable } from '../core/table.ts'
import type { Table } from '../core/table.ts'
import type { WorkDirectory } from '../core/work-directory.ts'
import { readRunPlan } from './run-plan.ts'

/** Everything a run has recorded, or the part of it that a search found. */
export interface RunRecords {
  readonly kernels: readonly Kernel[]
  readonly tasks: readonly Task[]
  readonly candidates: readonly Candidate[]
  readonly evaluations: readonly Evaluation[]
  readonly decisions: readonly Decision[]
  readonly selected: readonly Selected[]
  readonly rejects: readonly Reject[]
}

/** Rows of a table over all finished shards of a run. */
export async function* readRunTable<Row>(directories: WorkDirectory, table: Table<Row>): AsyncGenerator<Row> {
  for (const { stage, shards } of await readRunPlan(directories)) {
    for (const shard of shards) {
      const directory = directories.shard({ stage, shard })
      const path = join(directory, `${table.name}.parquet`)
      if (existsSync(path) && (await readManifest(directory)) !== null) yield* readTable(table, path)
    }
  }
}

/** One record by its id, or the beginning of its id, with every record on its way before and after it. */
export async function findRecords(directories: WorkDirectory, idPrefix: string): Promise<RunRecords> {
  const starts = (id: string): boolean => id.startsWith(idPrefix)
  const allCandidates = await collect(directories, candidates, () => true)
  const namedKernels = new Set((await collect(directories, kernels, ({ id }) => starts(id))).map(({ id }) => id))
  const found = allCandidates.filter(
    ({ id, task_id, kernel_ids }) =>
      starts(id) || starts(task_id) || kernel_ids.some((kernel) => namedKernels.has(kernel)),
  )
  const candidateIds = new Set(found.map(({ id }) => id))
  const taskIds = new Set(found.map(({ task_id }) => task_id))
  const kernelIds = new Set([...namedKernels, ...found.flatMap(({ kernel_ids }) => kernel_ids)])
  const ofCandidate = ({ candidate_id }: { candidate_id: string }): boolean => candidateIds.has(candidate_id)
  return {
    kernels: await collect(directories, kernels, ({ id }) => kernelIds.has(id)),
    tasks: await collect(directories, tasks, ({ id }) => starts(id) || taskIds.has(id)),
    candidates: found,
    evaluations: await collect(directories, evaluations, ofCandidate),
    decisions: await collect(directories, decisions, ofCandidate),
    selected: await collect(directories, selected, ofCandidate),
    rejects: await collect(
      directories,
      rejects,
      ({ record_id }) => starts(record_id) || candidateIds.has(record_id) || kernelIds.has(record_id),
    ),
  }
}

/** The ids of every kernel, task and candidate of a run. */
export async function listRecordIds(directories: WorkDirectory): Promise<string[]> {
  const records = [
    ...(await collect(directories, kernels, () => true)),
    ...(await collect(directories, tasks, () => true)),
    ...(await collect(directories, candidates, () => true)),
  ]
  return records.map(({ id }) => id)
}

async function collect<Row>(
  directories: WorkDirectory,
  table: Table<Row>,
  wanted: (row: Row) => boolean,
): Promise<Row[]> {
  const rows: Row[] = []
  for await (const row of readRunTable(directories, table)) if (wanted(row)) rows.push(row)
  return rows
}
