import { z } from 'zod'
import { recordId } from '../hash.ts'
import { defineTable } from '../table.ts'
import { Reasoning } from './candidate.ts'

/** What a revision is for, as far as its message and its difference show. */
export const CHANGES = ['performance', 'correctness', 'refactor', 'other'] as const

/** One turn of a trajectory: a candidate, the one it was made from, and why. */
export const TrajectoryTurn = z.object({
  trajectory_id: z.string().describe('16 hexadecimal characters from the task and what the turns are of'),
  task_id: z.string().describe('The task that every turn implements'),
  turn: z.int().describe('Place in the trajectory, from 0; numbers of turns that could not be used are left out'),
  candidate_id: z.string().describe('The implementation of this turn'),
  parent_id: z.string().nullable().describe('Candidate of the turn before; null for the first'),
  reasoning: Reasoning.nullable().describe(
    'Why the turn before was changed: commit message and changed comments, or the model’s trace; null for the first revision',
  ),
  feedback: z
    .string()
    .nullable()
    .describe('What the model was told about the turn before, as the dataset has it; null for revisions'),
  change: z
    .enum(CHANGES)
    .nullable()
    .describe(
      'What the change is for, by the rules named in `evidence`; null for turns of models and the first revision',
    ),
  evidence: z
    .array(z.string())
    .describe('What `change` was decided on: each rule that spoke, with the words or figures it saw'),
  commit_sha: z.string().nullable().describe('Commit that made the change; null for turns of models'),
  authored_at: z.string().nullable().describe('When it was written, ISO 8601; null for turns of models'),
  source: z.string().describe('Id of the source or import in the recipe'),
  trace_score: z
    .number()
    .nullable()
    .optional()
    .describe(
      'Of revisions: 0 to 1, share of the claims of `reasoning` that hold in the code; null where it makes none',
    ),
  trace_wrong_claims: z
    .string()
    .nullable()
    .optional()
    .describe(
      'Of revisions: the claims of `reasoning` that do not hold, with commas; null where there is no reasoning',
    ),
})
export type TrajectoryTurn = z.infer<typeof TrajectoryTurn>

/** The id of a trajectory: `of` names the thing the turns are states of. */
export function trajectoryId(task_id: string, ...of: readonly string[]): string {
  return recordId('trajectory', task_id, ...of)
}

export const trajectories = defineTable('trajectories', TrajectoryTurn)
