import { z } from 'zod'
import type { AnswerLog } from './answer-log.ts'
import type { Answered } from './model-service.ts'

export const UsageLine = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  reasoning_tokens: z.int().nullable(),
  counted_by: z.enum(['server', 'counted']),
})

/** The value of an `answer` line. */
export const AnswerLine = z.object({
  model: z.string(),
  cost: z.number(),
  answer: z.object({
    content: z.string(),
    reasoning: z.string().nullable(),
    finish_reason: z.string(),
    refusal: z.string().nullable(),
    served_model: z.string().nullable(),
    usage: UsageLine,
  }),
})

const RefusedLine = z.object({ reason: z.string(), detail: z.string() })

/** What the log says of a question that has its answer there, or that no server got through with. */
export async function rememberedAnswer(log: AnswerLog, key: string): Promise<Answered> {
  if (log.has('answer', key)) {
    return { kind: 'answer', answer: AnswerLine.parse(await log.read('answer', key)).answer }
  }
  return { kind: 'refused', ...RefusedLine.parse(await log.read('refused', key)) }
}
