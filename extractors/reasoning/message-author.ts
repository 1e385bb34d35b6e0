import type { Commit } from '../types.ts'

/** Whether a person wrote a message about a change, as far as it shows: merges and reverts are made by programs, others say so. */
export function isWrittenByPeople({ subject, body }: Commit): boolean {
  return !/^(?:merge|revert)\b/i.test(subject) && !MACHINE_WRITTEN.test(`${subject}\n${body}`)
}

// What coding assistants sign with: trailers (`Co-authored-by: Claude`, `Assisted-by: ...`) and sentences.
const MACHINE_WRITTEN =
  /\b(?:co-?authored|assisted|generated|written)[- ](?:by|with|using)\b[^\n]*(?<![\w.@])(?:claude|copilot|codex|cursor|chatgpt|gpt|gemini|devin|aider|llm|ai|agents?)\b|\bthis (?:\w+ )?(?:was|has been|is) (?:\w+ )?generated\b/i
