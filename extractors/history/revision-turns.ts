import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import type { Task } from '../../pipelines/core/records/task.ts'
import { trajectoryId } from '../../pipelines/core/records/trajectory.ts'
import type { TrajectoryTurn } from '../../pipelines/core/records/trajectory.ts'
import { cleanMessage } from '../reasoning/message-text.ts'
import type { FileRevision } from '../types.ts'
import { classifyChange } from './change-rules.ts'
import { differenceOf, newComments } from './code-difference.ts'
import { revisionReasoning } from './revision-reasoning.ts'

/** A state that became a candidate, and the commits since the one before, oldest first. */
export interface KeptState {
  readonly candidate: Candidate
  readonly commits: readonly FileRevision[]
}

/** The trajectory of states, oldest first. Its id is that of the last, so that a longer look back is the same trajectory. */
export async function turnsOf(task: Task, states: readonly KeptState[]): Promise<TrajectoryTurn[]> {
  const trajectory_id = trajectoryId(task.id, states.at(-1)?.candidate.id ?? '')
  const turns: TrajectoryTurn[] = []
  for (const [turn, { candidate, commits }] of states.entries()) {
    const before = states[turn - 1]?.candidate
    const last = commits.at(-1)
    turns.push({
      trajectory_id,
      task_id: task.id,
      turn,
      candidate_id: candidate.id,
      parent_id: before?.id ?? null,
      feedback: null,
      ...(before === undefined ? UNEXPLAINED : await explain(before, candidate, commits)),
      commit_sha: last?.commit_sha ?? null,
      authored_at: last?.authored_at ?? null,
      source: candidate.source,
    })
  }
  return turns
}

type Explanation = Pick<TrajectoryTurn, 'reasoning' | 'change' | 'evidence'>

const UNEXPLAINED: Explanation = { reasoning: null, change: null, evidence: [] }

async function explain(before: Candidate, after: Candidate, commits: readonly FileRevision[]): Promise<Explanation> {
  const [old, text] = [before, after].map(({ sources }) => sources[0]?.content ?? '')
  const facts = {
    subjects: commits.map(({ subject }) => subject),
    body: commits.map(({ body }) => cleanMessage('', body)).join('\n'),
    ...differenceOf(old ?? '', text ?? '', after.language),
  }
  return { ...classifyChange(facts), reasoning: await revisionReasoning(commits, newComments(old ?? '', text ?? '')) }
}
