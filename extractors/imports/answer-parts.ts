import { findCodeBlocks } from './code-blocks.ts'
import type { CodeBlock } from './code-blocks.ts'

/** Why nothing can be made of an answer. */
type AnswerProblem =
  | 'empty_answer'
  | 'refused'
  | 'truncated_answer'
  | 'no_code'
  | 'several_code_blocks'
  | 'no_entry_point'
  | 'unreadable_code'

/** An answer that nothing can be made of. */
export interface AnswerFailure {
  readonly problem: AnswerProblem
  readonly detail: string
}

/** An answer without its reasoning, and the code blocks in it, all of them complete. */
type AnswerParts =
  | {
      readonly problem: null
      readonly reasoning: string | null
      readonly text: string
      readonly blocks: readonly CodeBlock[]
    }
  | AnswerFailure

/** Separates the reasoning, given apart or between `<think>` tags, from the rest of an answer. */
export function answerParts(answer: string, givenReasoning: string | null): AnswerParts {
  const { thought, rest, isCut } = splitReasoning(answer)
  if (isCut) return problem('truncated_answer', 'the text ends inside <think>')
  if (rest.trim() === '') return problem('empty_answer', 'there is nothing beside the reasoning')
  const blocks = findCodeBlocks(rest)
  const cut = blocks.find((block) => !block.isComplete)
  if (cut !== undefined) return problem('truncated_answer', `the last code block is not closed: ${firstLine(cut.text)}`)
  return { problem: null, reasoning: nonBlank(givenReasoning) ?? nonBlank(thought), text: rest, blocks }
}

// Templates of reasoning models often put the opening tag into the prompt, so that the answer holds the closing one only.
function splitReasoning(answer: string): { thought: string | null; rest: string; isCut: boolean } {
  const opening = /^\s*<(think|thinking)>/.exec(answer)
  const closing = /<\/(?:think|thinking)>/.exec(answer)
  if (closing === null) return { thought: null, rest: answer, isCut: opening !== null }
  const thought = answer.slice(opening?.[0].length ?? 0, closing.index)
  return { thought, rest: answer.slice(closing.index + closing[0].length), isCut: false }
}

// Looked for only where there is no code, and only at the start: an answer that says sorry and then does the work is none.
export function isRefusal(text: string): boolean {
  return /^\W*(?:(?:i(?:['’]m| am) )?sorry\b|i (?:can(?:['’]t|not)|won['’]t|am (?:unable|not able)|must decline)\b|as an ai\b|unfortunately,? i can)/i.test(
    text,
  )
}

export function problem(name: AnswerProblem, detail: string): AnswerFailure {
  return { problem: name, detail }
}

export function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? ''
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

function nonBlank(text: string | null): string | null {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' ? null : trimmed
}

export function withFinalNewline(code: string): string {
  return `${code.trimEnd()}\n`
}
