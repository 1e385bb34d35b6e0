import type { PromptFile } from '../../../extractors/prompts/prompt-file.ts'
import { withoutPersonalData } from '../../../extractors/reasoning/personal-data.ts'
import { answers } from '../../core/records/answer.ts'
import type { Answer } from '../../core/records/answer.ts'
import { candidates } from '../../core/records/candidate.ts'
import type { Candidate } from '../../core/records/candidate.ts'
import { rejects } from '../../core/records/reject.ts'
import { trajectories, trajectoryId } from '../../core/records/trajectory.ts'
import { rowOf } from '../../core/table.ts'
import type { TableRow } from '../../core/table.ts'
import { codeOf } from './candidate-code.ts'
import { nameOfPrompt } from './conversation.ts'
import type { Turn } from './conversation.ts'
import type { ModelEntry } from './model-entry.ts'

/** An implementation that a conversation begins with, and what is wrong with it. */
export interface Attempt {
  readonly candidate: Candidate
  readonly feedback: string
}

/** The conversations about one task, and what they begin with, if anything. */
export interface TaskSamples {
  readonly taskId: string
  readonly attempt: Attempt | null
  readonly conversations: readonly (readonly Turn[])[]
}

/** What names the rows of an entry. */
export interface RowScope {
  readonly entry: ModelEntry
  readonly prompt: PromptFile
  /** Stage with version. */
  readonly by: string
}

/** Every answer, the candidates made of them, how they follow each other, and what nothing was made of. */
export function* rowsOfSamples(samples: TaskSamples, scope: RowScope): Generator<TableRow> {
  const turns = samples.conversations.flat()
  const duplicates = duplicatesAmong(samples)
  const written = new Set<string>()
  for (const turn of turns) {
    const duplicateOf = duplicates.get(turn) ?? null
    if (turn.answered.kind === 'answer') yield rowOf(answers, answerOf(turn, duplicateOf, scope))
    if (turn.candidate !== null && duplicateOf === null && !written.has(turn.candidate.id)) {
      written.add(turn.candidate.id)
      yield rowOf(candidates, turn.candidate)
    }
    const refusal = refusalOf(turn, duplicateOf)
    if (refusal !== null) yield rejectOf(turn.request.key, refusal, scope)
  }
  for (const conversation of samples.conversations) yield* trajectoryOf(conversation, samples, scope)
  yield* notAsked(samples, turns, scope)
}

// Of samples with the same code, comments aside, the one with the shortest reasoning stands for all. Turns of a trajectory stay.
function duplicatesAmong({ conversations, attempt }: TaskSamples): Map<Turn, string> {
  const single = conversations.filter((turns) => candidatesOf(turns, attempt).length === 1).flat()
  const best = new Map<string, Turn>()
  const made = single.flatMap((turn) => (turn.candidate === null ? [] : [{ turn, candidate: turn.candidate }]))
  for (const { turn, candidate } of made) {
    const code = codeOf(candidate)
    const other = best.get(code)
    if (other === undefined || lengthOf(candidate) < lengthOf(other.candidate)) best.set(code, turn)
  }
  const pairs = made.flatMap(({ turn, candidate }): [Turn, string][] => {
    const kept = best.get(codeOf(candidate))
    return kept === undefined || kept === turn ? [] : [[turn, kept.candidate?.id ?? '']]
  })
  return new Map(pairs)
}

function lengthOf(candidate: Candidate | null): number {
  return candidate?.reasoning?.num_tokens ?? 0
}

function candidatesOf(turns: readonly Turn[], attempt: Attempt | null): Candidate[] {
  const made = turns.flatMap(({ candidate }) => (candidate === null ? [] : [candidate]))
  return attempt === null ? made : [attempt.candidate, ...made]
}

function answerOf(
  { request, answered, candidate, problem }: Turn,
  duplicateOf: string | null,
  scope: RowScope,
): Answer {
  if (answered.kind !== 'answer') throw new TypeError('a question without an answer has no row')
  const { content, reasoning, finish_reason, served_model, usage } = answered.answer
  const { place, sampling } = request
  return {
    id: request.key,
    task_id: place.taskId,
    candidate_id: duplicateOf ?? candidate?.id ?? null,
    problem: duplicateOf === null ? (problem?.problem ?? null) : 'duplicate_code',
    model: request.model,
    served_model,
    prompt: nameOfPrompt(scope.prompt),
    prompt_sha256: request.promptSha256,
    sample: place.sample,
    turn: place.turn,
    temperature: sampling.temperature,
    top_p: sampling.top_p,
    max_tokens: sampling.max_tokens,
    seed: sampling.seed,
    finish_reason,
    prompt_tokens: usage.prompt_tokens,
    completion_tokens: usage.completion_tokens,
    tokens_counted_by: usage.counted_by,
    content: withoutPersonalData(content),
    reasoning: reasoning === null ? null : withoutPersonalData(reasoning),
    source: scope.entry.id,
  }
}

interface Refusal {
  readonly reason: string
  readonly detail: string
}

function refusalOf({ answered, problem }: Turn, duplicateOf: string | null): Refusal | null {
  if (answered.kind === 'refused') return answered
  if (problem !== null) return { reason: problem.problem, detail: problem.detail }
  return duplicateOf === null ? null : { reason: 'duplicate_code', detail: `the same code as candidate ${duplicateOf}` }
}

// A conversation of one candidate is no trajectory.
function* trajectoryOf(
  turns: readonly Turn[],
  { taskId, attempt }: TaskSamples,
  { entry }: RowScope,
): Generator<TableRow> {
  if (candidatesOf(turns, attempt).length < 2) return
  const trajectory_id = trajectoryId(taskId, entry.id, turns[0]?.request.key ?? '')
  const common = { trajectory_id, task_id: taskId, change: null, evidence: [], commit_sha: null, authored_at: null }
  let parent: Candidate | null = null
  let told: string | null = null
  let parentIsGone = false
  if (attempt !== null) {
    const { id, reasoning } = attempt.candidate
    yield rowOf(trajectories, {
      ...common,
      turn: 0,
      candidate_id: id,
      parent_id: null,
      reasoning,
      feedback: null,
      source: entry.id,
    })
    parent = attempt.candidate
    told = attempt.feedback
  }
  for (const { candidate, feedback, request } of turns) {
    told = feedback ?? told
    if (candidate === null) {
      // Feedback on a turn that is not there says nothing of the one before it.
      parentIsGone = true
      continue
    }
    yield rowOf(trajectories, {
      ...common,
      turn: request.place.turn + (attempt === null ? 0 : 1),
      candidate_id: candidate.id,
      parent_id: parent?.id ?? null,
      reasoning: candidate.reasoning,
      feedback: parentIsGone ? null : told,
      source: entry.id,
    })
    parent = candidate
    parentIsGone = false
  }
}

// One row for all of a task: a budget that is used up leaves thousands.
function* notAsked({ taskId }: TaskSamples, turns: readonly Turn[], scope: RowScope): Generator<TableRow> {
  const first = turns.find(({ answered }) => answered.kind === 'not_asked')?.answered
  if (first === undefined || first.kind !== 'not_asked') return
  const count = turns.filter(({ answered }) => answered.kind === 'not_asked').length
  yield rejectOf(taskId, { reason: first.reason, detail: `${count} questions were not asked: ${first.detail}` }, scope)
}

function rejectOf(record_id: string, { reason, detail }: Refusal, { entry, by }: RowScope): TableRow {
  return rowOf(rejects, { record_id, stage: 'generate', by, reason, detail: detail.slice(0, 1000), source: entry.id })
}
