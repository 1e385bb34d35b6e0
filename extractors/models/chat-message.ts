import { z } from 'zod'
import { countTokens } from '../../pipelines/core/tokenizer.ts'
import type { ModelAnswer, ModelRequest, Usage } from './types.ts'

const COUNT = z.int().min(0).catch(0)

const UsageReport = z.looseObject({
  prompt_tokens: COUNT,
  completion_tokens: COUNT,
  completion_tokens_details: z
    .looseObject({ reasoning_tokens: z.int().min(0).nullish() })
    .nullish()
    .catch(null),
})

// Servers spell reasoning in two ways: `reasoning_content` (DeepSeek, SGLang, vLLM until 0.10), `reasoning` (OpenRouter, vLLM).
const TEXT = z.string().nullish().catch(null)
const Message = z.looseObject({ content: TEXT, reasoning_content: TEXT, reasoning: TEXT, refusal: TEXT })

/** A chat completion, or a piece of one: the part of the protocol that is read. */
export const Completion = z.looseObject({
  model: z.string().nullish(),
  choices: z
    .array(
      z.looseObject({
        index: z.int().nullish(),
        message: Message.nullish(),
        delta: Message.nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  usage: UsageReport.nullish(),
})
export type Completion = z.infer<typeof Completion>

/** An answer as it comes in. */
export interface PartialAnswer {
  content: string
  reasoning: string
  refusal: string
  finish_reason: string | null
  served_model: string | null
  usage: z.infer<typeof UsageReport> | null
}

export function emptyAnswer(): PartialAnswer {
  return { content: '', reasoning: '', refusal: '', finish_reason: null, served_model: null, usage: null }
}

/** Adds a piece of a stream, or a whole completion, to an answer. */
export function addCompletion(answer: PartialAnswer, { model, choices, usage }: Completion): void {
  answer.served_model ??= model ?? null
  // Some servers send it with every piece: the last one counts.
  answer.usage = usage ?? answer.usage
  const choice = choices.find(({ index }) => (index ?? 0) === 0)
  if (choice === undefined) return
  const said = choice.delta ?? choice.message
  answer.content += said?.content ?? ''
  answer.reasoning += said?.reasoning_content ?? said?.reasoning ?? ''
  answer.refusal += said?.refusal ?? ''
  answer.finish_reason = choice.finish_reason ?? answer.finish_reason
}

export function lengthOf({ content, reasoning, refusal }: PartialAnswer): number {
  return content.length + reasoning.length + refusal.length
}

/** The finished answer. */
export async function finishAnswer(
  partial: PartialAnswer,
  request: Pick<ModelRequest, 'messages'>,
): Promise<ModelAnswer> {
  const { content, reasoning, refusal, finish_reason, served_model } = partial
  return {
    content,
    reasoning: reasoning.trim() === '' ? null : reasoning,
    finish_reason: finish_reason ?? 'unknown',
    refusal: refusal.trim() === '' ? null : refusal,
    served_model,
    usage: await usageOf(partial, request),
  }
}

/** What an answer took: as the server says, or counted where it does not. */
export async function usageOf(
  { usage, content, reasoning, refusal }: PartialAnswer,
  request: Pick<ModelRequest, 'messages'>,
): Promise<Usage> {
  if (usage !== null && usage.prompt_tokens + usage.completion_tokens > 0) {
    const { prompt_tokens, completion_tokens, completion_tokens_details } = usage
    const reasoning_tokens = completion_tokens_details?.reasoning_tokens ?? null
    return { prompt_tokens, completion_tokens, reasoning_tokens, counted_by: 'server' }
  }
  return {
    prompt_tokens: await countPrompt(request),
    completion_tokens: await countTokens(reasoning + content + refusal),
    reasoning_tokens: null,
    counted_by: 'counted',
  }
}

/** Tokens of a question, by curate's own tokenizer: a model's own may differ by some percent. */
export async function countPrompt({ messages }: Pick<ModelRequest, 'messages'>): Promise<number> {
  let tokens = 0
  for (const { content } of messages) tokens += TOKENS_PER_MESSAGE + (await countTokens(content))
  return tokens
}

// What chat templates put around a message: role and two marks.
const TOKENS_PER_MESSAGE = 4
