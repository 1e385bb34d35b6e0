import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCandidateJoin } from '../../../pipelines/core/candidate-records.ts'
import type { CandidateFiles, CandidateJoin } from '../../../pipelines/core/candidate-records.ts'
import { openDatabase } from '../../../pipelines/core/duckdb.ts'
import { openParquet } from '../../../pipelines/core/parquet.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import type { Candidate } from '../../../pipelines/core/records/candidate.ts'
import { decisions, selected } from '../../../pipelines/core/records/decision.ts'
import { evaluations } from '../../../pipelines/core/records/evaluation.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import type { Table } from '../../../pipelines/core/table.ts'
import { aCandidate, aDecision, aReasoning, aTask, aWorkload, anEvaluation } from '../../records.ts'

let directory: string
let numFiles = 0

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'curate-join-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function fileOf<Row extends object>(table: Table<Row>, rows: readonly Row[]): Promise<string> {
  numFiles += 1
  const path = join(directory, `${String(numFiles).padStart(5, '0')}.parquet`)
  const sink = openParquet(path, table.columns)
  for (const row of rows) await sink.write(rowOf(table, row).row)
  await sink.close()
  return path
}

async function withJoin<Result>(
  files: CandidateFiles,
  use: (join: CandidateJoin) => Promise<Result>,
  pageBytes?: number,
): Promise<Result> {
  const database = await openDatabase(join(directory, 'spill'), new AbortController().signal)
  try {
    return await use(await openCandidateJoin(database, files, pageBytes))
  } finally {
    await database.close()
  }
}

function recordsOf(files: CandidateFiles, pageBytes?: number) {
  return withJoin(files, (opened) => Array.fromAsync(opened.records()), pageBytes)
}

/** `count` candidates of three tasks, each judged on its task's two workloads. */
function manyRecords(count: number) {
  // Not in the order of their ids, in which the tables hold them.
  const workloads = [aWorkload({ N: '1' }), aWorkload({ N: '2' })].toSorted((a, b) => (a.id < b.id ? 1 : -1))
  const manyTasks = ['a', 'b', 'c'].map((name) => aTask({ reference: name, workloads }))
  const manyCandidates = Array.from({ length: count }, (_, index) => {
    const task = manyTasks[index % 3] ?? aTask()
    return aCandidate(task, { reasoning: aReasoning(index), generator: 'a-model' })
  })
  const manyEvaluations = manyCandidates.flatMap((candidate) =>
    workloads.toReversed().map(({ id }) => anEvaluation(candidate, { workload_id: id, certified_on: null })),
  )
  return { workloads, manyTasks, manyCandidates, manyEvaluations }
}

describe('openCandidateJoin', () => {
  it('gives every candidate with its task and its evaluations in the order of the workloads', async () => {
    const { workloads, manyTasks, manyCandidates, manyEvaluations } = manyRecords(50)
    const files = {
      candidates: [
        await fileOf(candidates, manyCandidates.slice(0, 20)),
        await fileOf(candidates, manyCandidates.slice(20)),
      ],
      tasks: [await fileOf(tasks, manyTasks)],
      evaluations: [await fileOf(evaluations, manyEvaluations)],
    }
    const records = await recordsOf(files)
    const inOrder = (a: Candidate, b: Candidate) => (a.task_id + a.id < b.task_id + b.id ? -1 : 1)
    expect(records.map(({ candidate }) => candidate)).toEqual(manyCandidates.toSorted(inOrder))
    for (const { candidate, task, evaluations: judged } of records) {
      expect(task).toEqual(manyTasks.find(({ id }) => id === candidate.task_id))
      expect(judged).toEqual(
        workloads.map(({ id }) => anEvaluation(candidate, { workload_id: id, certified_on: null })),
      )
    }
  })

  it('gives the same on many small pages as on one', async () => {
    const { manyTasks, manyCandidates, manyEvaluations } = manyRecords(50)
    const files = {
      candidates: [await fileOf(candidates, manyCandidates)],
      tasks: [await fileOf(tasks, manyTasks)],
      evaluations: [await fileOf(evaluations, manyEvaluations)],
      decisions: [
        await fileOf(
          decisions,
          manyCandidates.map((candidate) => aDecision(candidate)),
        ),
      ],
    }
    expect(await recordsOf(files, 1)).toEqual(await recordsOf(files))
    expect(await recordsOf(files, 20_000)).toEqual(await recordsOf(files))
  })

  it('gives candidates that were not validated, and those without a task, as they are', async () => {
    const task = aTask()
    const known = aCandidate(task)
    const orphan = aCandidate({ id: 'ffffffffffffffff' })
    const files = {
      candidates: [await fileOf(candidates, [known, orphan])],
      tasks: [await fileOf(tasks, [task])],
      evaluations: [],
    }
    expect(await recordsOf(files)).toEqual([
      { candidate: known, task, evaluations: [], decisions: [], facts: null },
      { candidate: orphan, task: null, evaluations: [], decisions: [], facts: null },
    ])
  })

  it('counts one copy of a candidate or task that was found twice, the licensed one, and names the others', async () => {
    const [bare, licensed] = [aTask({ license: null, source: 'a' }), aTask({ source: 'b' })]
    const [first, second] = [aCandidate(bare, { license: null, source: 'a' }), aCandidate(bare, { source: 'b' })]
    const files = {
      candidates: [await fileOf(candidates, [first]), await fileOf(candidates, [second])],
      tasks: [await fileOf(tasks, [bare]), await fileOf(tasks, [licensed])],
      evaluations: [],
    }
    const { records, copies, numCandidates } = await withJoin(files, async (opened) => ({
      records: await Array.fromAsync(opened.records()),
      copies: await Array.fromAsync(opened.copies()),
      numCandidates: opened.numCandidates,
    }))
    expect(records).toEqual([{ candidate: second, task: licensed, evaluations: [], decisions: [], facts: null }])
    expect(copies).toEqual([{ id: first.id, source: 'a' }])
    expect(numCandidates).toBe(1)
  })

  it('believes the failure where a workload was judged twice with different verdicts', async () => {
    const task = aTask()
    const candidate = aCandidate(task)
    const failed = anEvaluation(candidate, { status: 'INCORRECT_NUMERICAL', certified_on: null })
    const files = {
      candidates: [await fileOf(candidates, [candidate])],
      tasks: [await fileOf(tasks, [task])],
      evaluations: [await fileOf(evaluations, [anEvaluation(candidate)]), await fileOf(evaluations, [failed])],
    }
    expect((await recordsOf(files))[0]?.evaluations).toEqual([failed])
  })

  it('joins selected candidates only, with their decisions in the order they were taken', async () => {
    const { manyTasks, manyCandidates, manyEvaluations } = manyRecords(9)
    const chosen = manyCandidates.filter((_, index) => index % 4 === 0)
    const rows = chosen.map(({ id, task_id }) => ({ candidate_id: id, task_id, selected_by: [] }))
    const taken = manyCandidates.flatMap((candidate) =>
      ['speedup@1', 'passed@1'].map((filter) => aDecision(candidate, { filter })),
    )
    const files = {
      candidates: [await fileOf(candidates, manyCandidates)],
      tasks: [await fileOf(tasks, manyTasks)],
      evaluations: [await fileOf(evaluations, manyEvaluations)],
      decisions: [await fileOf(decisions, taken)],
      selected: [await fileOf(selected, rows)],
    }
    const records = await recordsOf(files)
    expect(records.map(({ candidate }) => candidate.id).toSorted()).toEqual(chosen.map(({ id }) => id).toSorted())
    for (const record of records) {
      expect(record.decisions.map(({ filter }) => filter)).toEqual(['speedup@1', 'passed@1'])
      expect(record.evaluations).toHaveLength(2)
    }
  })

  it('gives nothing for no files', async () => {
    expect(await recordsOf({ candidates: [], tasks: [], evaluations: [] })).toEqual([])
  })

  it('names the file that holds a row which is no record', async () => {
    const path = join(directory, 'broken.parquet')
    const sink = openParquet(path, candidates.columns)
    await sink.write({ ...aCandidate(aTask()), form: 'sculpture' })
    await sink.close()
    await expect(recordsOf({ candidates: [path], tasks: [], evaluations: [] })).rejects.toMatchObject({
      code: 'foreign_table',
      message: expect.stringMatching(/broken\.parquet does not hold candidates: form/),
    })
  })

  it('names the file that holds another table', async () => {
    const path = await fileOf(selected, [])
    await expect(recordsOf({ candidates: [], tasks: [path], evaluations: [] })).rejects.toMatchObject({
      code: 'foreign_table',
      message: `${path} does not hold tasks: it has no column id`,
      hint: expect.stringContaining('Delete'),
    })
  })

  it('names the file that is no table at all', async () => {
    const path = join(directory, 'text.parquet')
    await writeFile(path, 'not Parquet')
    await expect(recordsOf({ candidates: [], tasks: [], evaluations: [path] })).rejects.toMatchObject({
      code: 'unreadable_parquet',
      message: expect.stringContaining(path),
    })
  })
})
