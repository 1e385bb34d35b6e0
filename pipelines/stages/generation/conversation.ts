import type { Answered, ModelService } from '../../../extractors/models/model-service.ts'
import { readAnswer } from '../../../extractors/models/read-answer.ts'
import type { ChatMessage } from '../../../extractors/models/types.ts'
import { candidateOfAnswer } from '../../../extractors/imports/answer-candidate.ts'
import { feedbackOnAnswer, feedbackOnEvaluations } from '../../../extractors/prompts/feedback.ts'
import type { PromptFile } from '../../../extractors/prompts/prompt-file.ts'
import type { Candidate } from '../../core/records/candidate.ts'
import type { Evaluation } from '../../core/records/evaluation.ts'
import type { Task } from '../../core/records/task.ts'
import { codeOf } from './candidate-code.ts'
import { outcomeOf } from './candidate-judge.ts'
import type { CandidateJudge } from './candidate-judge.ts'
import type { ModelEntry } from './model-entry.ts'
import { modelOf, sampledRequest } from './sampled-request.ts'
import type { SampledRequest } from './sampled-request.ts'

/** What conversations of one entry share. */
export interface ConversationSetting {
  readonly entry: ModelEntry
  readonly prompt: PromptFile
  readonly service: Pick<ModelService, 'ask'>
  /** Null where nothing depends on what becomes of an answer. */
  readonly judge: CandidateJudge | null
  readonly recipeSeed: number
}

/** One turn, as far as it came. */
export interface Turn {
  readonly request: SampledRequest
  readonly answered: Answered
  /** Null where nothing could be made of the answer. */
  readonly candidate: Candidate | null
  readonly problem: { readonly problem: string; readonly detail: string } | null
  /** Null where it was not judged. */
  readonly evaluations: readonly Evaluation[] | null
  /** What the model was told before it; null for the first turn. */
  readonly feedback: string | null
}

/** Talks with a model about one task until a stop rule holds. The first question is asked before this function first waits. */
export async function converse(
  task: Task,
  sample: number,
  first: readonly ChatMessage[],
  setting: ConversationSetting,
): Promise<Turn[]> {
  const { entry, recipeSeed, service } = setting
  const model = modelOf({ taskId: task.id, sample }, entry, recipeSeed)
  const turns: Turn[] = []
  const said: ChatMessage[] = []
  let feedback: string | null = null
  for (let turn = 0; turn < entry.turns; turn += 1) {
    const messages = [...first, ...said.slice(-2 * (entry.context_turns ?? entry.turns))]
    const request = sampledRequest({ taskId: task.id, sample, turn }, model, messages, entry, recipeSeed)
    const answered = await service.ask(request)
    const read: Turn = await readTurn(task, { request, answered, feedback }, setting)
    turns.push(read)
    if (answered.kind !== 'answer' || turn + 1 === entry.turns || isAtEnd(turns, entry)) break
    feedback = feedbackOn(read, task, setting.prompt)
    said.push(
      { role: 'assistant', content: withoutThought(answered.answer.content) },
      { role: 'user', content: feedback },
    )
  }
  return turns
}

async function readTurn(
  task: Task,
  asked: Pick<Turn, 'request' | 'answered' | 'feedback'>,
  { entry, prompt, judge }: ConversationSetting,
): Promise<Turn> {
  const { request, answered } = asked
  if (answered.kind !== 'answer') return { ...asked, candidate: null, problem: null, evaluations: null }
  const parsed = await readAnswer(answered.answer, prompt)
  if (parsed.problem !== null) return { ...asked, candidate: null, problem: parsed, evaluations: null }
  const { sampling, place } = request
  const read = await candidateOfAnswer(parsed, {
    task_id: task.id,
    origin: 'generated',
    generator: request.model,
    source: entry.id,
    repo_name: null,
    commit_sha: null,
    license: null,
  })
  const generation = {
    answer_id: request.key,
    prompt: nameOfPrompt(prompt),
    prompt_sha256: request.promptSha256,
    sample: place.sample,
    turn: place.turn,
    temperature: sampling.temperature,
    seed: sampling.seed,
  }
  const candidate = { ...read, generation }
  const evaluations = judge === null ? null : await judge.judge(task, candidate)
  return { ...asked, candidate, problem: null, evaluations }
}

export function nameOfPrompt({ id, version }: PromptFile): string {
  return `${id}@${version}`
}

// What cannot be judged cannot be talked about, and a model that gives the same code again has nothing more to say.
function isAtEnd(turns: readonly Turn[], { until, target_speedup }: ModelEntry): boolean {
  const last = turns.at(-1)
  if (last === undefined || last.candidate === null) return false
  const { kind, speedup } = outcomeOf(last.evaluations ?? [])
  if (kind === 'unknown') return true
  if (kind === 'passed' && until === 'passed') return true
  if (kind === 'passed' && until === 'faster' && speedup !== null && speedup >= target_speedup) return true
  const code = codeOf(last.candidate)
  return turns.slice(0, -1).some(({ candidate }) => candidate !== null && codeOf(candidate) === code)
}

function feedbackOn({ problem, evaluations }: Turn, task: Task, prompt: PromptFile): string {
  if (problem !== null) return feedbackOnAnswer(problem.detail, prompt)
  return feedbackOnEvaluations(evaluations ?? [], task, prompt)
}

// Chat templates of reasoning models drop the thoughts of earlier turns as well.
function withoutThought(content: string): string {
  return content.replace(/^[\s\S]*<\/(?:think|thinking)>\s*/, '')
}
