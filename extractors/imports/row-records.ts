import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import type { Task } from '../../pipelines/core/records/task.ts'
import { trajectoryId } from '../../pipelines/core/records/trajectory.ts'
import type { TrajectoryTurn } from '../../pipelines/core/records/trajectory.ts'
import type { ImportedRow } from '../types.ts'
import { mapColumns } from './columns.ts'
import type { MappedRow, RowMapping } from './columns.ts'
import { importedCandidate, importedTask } from './import-records.ts'
import type { ImportScope, Unusable } from './import-records.ts'
import { readImplementation } from './programs.ts'

/** Task name to ids, and each id to itself: a file may name tasks either way. */
export type TaskNames = ReadonlyMap<string, ReadonlySet<string>>

/** What became of a row: its task where it brings one, its candidates, how they follow each other, and what is wrong. */
export interface RowRecords {
  readonly task: Task | null
  /** Its place in a search, where the mapping says how rows follow from each other. */
  readonly attempt: SearchAttempt | null
  readonly candidates: readonly Candidate[]
  readonly turns: readonly TrajectoryTurn[]
  readonly refusals: readonly Unusable[]
}

/** One attempt of a search. */
export interface SearchAttempt extends Pick<MappedRow, 'parent_id' | 'feedback'> {
  readonly id: string
  /** Null where the log has none. */
  readonly score: number | null
}

/** The attempt that a row is; null where it is none, or the row cannot be read. */
export function attemptOfRow(row: ImportedRow, mapping: RowMapping): SearchAttempt | null {
  if (!('value' in row) || mapping.attempt_id === null) return null
  const { row: mapped } = mapColumns(row.value, mapping, row.row)
  return mapped === null ? null : attemptOf(mapped)
}

function attemptOf({ attempt_id, parent_id, score, feedback }: MappedRow): SearchAttempt | null {
  if (attempt_id === null) return null
  const figure = score === null || score.trim() === '' ? NaN : Number(score)
  const parent = parent_id?.trim() === '' ? null : parent_id
  return { id: attempt_id, parent_id: parent, score: Number.isNaN(figure) ? null : figure, feedback }
}

/** Reads a row of a file as its mapping says. */
export async function recordsOfRow(
  row: ImportedRow,
  mapping: RowMapping,
  scope: ImportScope,
  names: TaskNames,
): Promise<RowRecords> {
  if (!('value' in row)) return refuse({ problem: row.reason, detail: row.detail })
  const read = mapColumns(row.value, mapping, row.row)
  if (read.row === null) return refuse({ problem: read.reason, detail: read.detail })
  const mapped = read.row
  const brought = mapped.reference === null ? null : await importedTask(mapped, row.row, scope)
  if (brought !== null && brought.problem !== null) return refuse(brought)
  const task = brought?.task ?? null
  const known = task === null ? namedTask(mapped.task, names) : { problem: null, id: task.id }
  if (known.problem !== null) return refuse(known)
  const made =
    mapped.turns === null
      ? await fromAnswer(known.id, mapped, scope)
      : await fromTurns(known.id, mapped, row.row, scope)
  return { task, attempt: attemptOf(mapped), ...made }
}

/** The task that a row brings, for who wants nothing else of it; null where it brings none that can be used. */
export async function taskOfRow(row: ImportedRow, mapping: RowMapping, scope: ImportScope): Promise<Task | null> {
  if (!('value' in row)) return null
  const { row: mapped } = mapColumns(row.value, mapping, row.row)
  if (mapped === null || mapped.reference === null) return null
  const read = await importedTask(mapped, row.row, scope)
  return read.problem === null ? read.task : null
}

type Made = Omit<RowRecords, 'task' | 'attempt'>

async function fromAnswer(taskId: string, row: MappedRow, scope: ImportScope): Promise<Made> {
  if (row.code === null) return { candidates: [], turns: [], refusals: [] }
  const made = await candidateOf(taskId, row, row.code, scope)
  if (made.problem !== null) return { candidates: [], turns: [], refusals: [made] }
  return { candidates: [made.candidate], turns: [], refusals: [] }
}

// Feedback on a turn that could not be used goes with it: what is left must follow from what is there.
async function fromTurns(taskId: string, row: MappedRow, number: number, scope: ImportScope): Promise<Made> {
  const candidates: Candidate[] = []
  const turns: TrajectoryTurn[] = []
  const refusals: Unusable[] = []
  const trajectory_id = trajectoryId(taskId, scope.fileSha256, String(number))
  let isBroken = false
  for (const [turn, { feedback, answer, reasoning }] of (row.turns ?? []).entries()) {
    const made = await candidateOf(taskId, { ...row, reasoning: reasoning ?? row.reasoning }, answer, scope)
    if (made.problem !== null) {
      refusals.push({ problem: made.problem, detail: `turn ${turn}: ${made.detail}` })
      isBroken = true
      continue
    }
    const { candidate } = made
    candidates.push(candidate)
    turns.push({
      trajectory_id,
      task_id: taskId,
      turn,
      candidate_id: candidate.id,
      parent_id: turns.at(-1)?.candidate_id ?? null,
      reasoning: candidate.reasoning,
      feedback: isBroken ? null : feedback,
      change: null,
      evidence: [],
      commit_sha: null,
      authored_at: null,
      source: scope.source,
    })
    isBroken = false
  }
  return { candidates, turns: turns.length > 1 ? turns : [], refusals }
}

async function candidateOf(
  taskId: string,
  row: MappedRow,
  answer: string,
  scope: ImportScope,
): ReturnType<typeof importedCandidate> {
  const read = await readImplementation(scope.dataset?.program ?? scope.program, answer, row)
  return read.problem === null ? importedCandidate(taskId, row, read, scope) : read
}

function namedTask(name: string, names: TaskNames): { readonly problem: null; readonly id: string } | Unusable {
  const ids = [...(names.get(name) ?? [])]
  const [id] = ids
  if (id === undefined) return { problem: 'unknown_task', detail: `no task has the id or the name ${name}` }
  if (ids.length === 1) return { problem: null, id }
  const detail = `${ids.length} tasks are called ${name}: ${ids.toSorted().join(', ')}; give an id`
  return { problem: 'ambiguous_task_name', detail }
}

function refuse({ problem, detail }: Unusable): RowRecords {
  return { task: null, attempt: null, candidates: [], turns: [], refusals: [{ problem, detail }] }
}
