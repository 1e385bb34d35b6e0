import { z } from 'zod'
import { defineTable } from '../table.ts'

/** One answer of a model, whether anything could be made of it or not. */
export const Answer = z.object({
  id: z.string().describe('32 hexadecimal characters from task, model, messages, sampling and sample'),
  task_id: z.string().describe('The task it was asked for'),
  candidate_id: z.string().nullable().describe('What was made of it; null where nothing could be'),
  problem: z
    .string()
    .nullable()
    .describe(
      'Why nothing was made of it: `truncated_answer`, `refused`, `empty_answer`, `no_code`, `several_code_blocks`, `no_entry_point`, `unreadable_code`, `duplicate_code`; null where something was',
    ),
  model: z.string().describe('Model that was asked'),
  served_model: z.string().nullable().describe('Model that answered, as the server names it; null where it does not'),
  prompt: z.string().describe('Prompt with version: `write-triton@1`'),
  prompt_sha256: z.string().describe('SHA-256 of the messages as they were sent, as canonical JSON'),
  sample: z.int().describe('Which of the samples of the task, from 0'),
  turn: z.int().describe('Which turn of the conversation, from 0'),
  temperature: z.number().nullable().describe('As asked for; null where it was left to the server'),
  top_p: z.number().nullable().describe('As asked for; null where it was left to the server'),
  max_tokens: z.int().describe('Longest answer that was asked for, tokens'),
  seed: z.int().nullable().describe('As asked for; null where none was'),
  finish_reason: z.string().describe('Why the model stopped, as the server says: `stop`, `length`'),
  prompt_tokens: z.int().describe('Tokens of the messages'),
  completion_tokens: z.int().describe('Tokens of the answer, reasoning included'),
  tokens_counted_by: z
    .enum(['server', 'counted'])
    .describe('`server`: as it reports; `counted`: by curate’s tokenizer, where it reports nothing'),
  content: z.string().describe('The answer, without secrets and personal data'),
  reasoning: z.string().nullable().describe('The reasoning before it, likewise; null where the server sent none apart'),
  source: z.string().describe('Id of the entry under `generate.models`'),
})
export type Answer = z.infer<typeof Answer>

export const answers = defineTable('answers', Answer)
