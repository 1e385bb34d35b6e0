import { parseAnswer } from '../imports/answer.ts'
import type { ParsedAnswer } from '../imports/answer.ts'
import { parseNativeAnswer } from '../imports/native-answer.ts'
import type { ParsedNativeAnswer } from '../imports/native-answer.ts'
import type { PromptFile } from '../prompts/prompt-file.ts'
import type { ModelAnswer } from './types.ts'

/**
 * Takes a model's answer apart, with what the server says of its end. `plan`: text before the code is the reasoning where the model
 * sent none apart; `form`: what was asked for.
 */
export async function readAnswer(
  answer: ModelAnswer,
  { plan, form }: Pick<PromptFile, 'plan' | 'form'>,
): Promise<ParsedAnswer | ParsedNativeAnswer> {
  const { content, reasoning, refusal, finish_reason } = answer
  if (refusal !== null && content.trim() === '') return { problem: 'refused', detail: refusal.slice(0, 200) }
  if (finish_reason === 'content_filter') return { problem: 'refused', detail: 'the server’s content filter ended it' }
  if (finish_reason === 'length') return { problem: 'truncated_answer', detail: 'it reached `max_tokens`' }
  const parse = form === 'native' ? parseNativeAnswer : parseAnswer
  const parsed = await parse(content, reasoning)
  if (parsed.problem !== null || parsed.reasoning !== null || !plan) return parsed
  return { ...parsed, reasoning: planOf(content) }
}

// Everything before the last code block that follows a line of its own.
function planOf(content: string): string | null {
  const end = content.search(/^ {0,3}(?:`{3,}|~{3,})/m)
  const text = content.slice(0, Math.max(end, 0)).replace(/\n#{0,6} *\**Code\**:?\s*$/i, '')
  return text.trim() === '' ? null : text.trim()
}
