import { findCodeBlocks } from './code-blocks.ts'
import type { CodeBlock } from './code-blocks.ts'
import { readPythonCode } from './python-code.ts'
import type { PythonCode } from './python-code.ts'

/** The class that an implementation must define. */
export const ENTRY_POINT = 'ModelNew'

/** Why nothing can be made of an answer. */
type AnswerProblem =
  | 'empty_answer'
  | 'refused'
  | 'truncated_answer'
  | 'no_code'
  | 'several_code_blocks'
  | 'no_entry_point'
  | 'unreadable_code'

/** An answer taken apart, or why that is not possible. */
export type ParsedAnswer =
  | { readonly problem: null; readonly reasoning: string | null; readonly code: string; readonly python: PythonCode }
  | { readonly problem: AnswerProblem; readonly detail: string }

/**
 * Takes a model's answer apart: the reasoning (given apart, or between `<think>` tags) and the implementation, which is the
 * last complete code block that defines the entry point, or the whole text where that is plain code.
 */
export async function parseAnswer(
  answer: string,
  givenReasoning: string | null,
  entryPoint = ENTRY_POINT,
): Promise<ParsedAnswer> {
  const { thought, rest, isCut } = splitReasoning(answer)
  if (isCut) return problem('truncated_answer', 'the text ends inside <think>')
  if (rest.trim() === '') return problem('empty_answer', 'there is nothing beside the reasoning')
  const blocks = findCodeBlocks(rest)
  const cut = blocks.find((block) => !block.isComplete)
  if (cut !== undefined) return problem('truncated_answer', `the last code block is not closed: ${firstLine(cut.text)}`)
  const chosen = blocks.length === 0 ? await plainCode(rest, entryPoint) : await lastImplementation(blocks, entryPoint)
  if ('problem' in chosen) return chosen
  const reasoning = nonBlank(givenReasoning) ?? nonBlank(thought)
  return { problem: null, reasoning, code: withFinalNewline(chosen.code), python: chosen.python }
}

interface Implementation {
  readonly code: string
  readonly python: PythonCode
}
type Failure = Extract<ParsedAnswer, { detail: string }>

// Templates of reasoning models often put the opening tag into the prompt, so that the answer holds the closing one only.
function splitReasoning(answer: string): { thought: string | null; rest: string; isCut: boolean } {
  const opening = /^\s*<(think|thinking)>/.exec(answer)
  const closing = /<\/(?:think|thinking)>/.exec(answer)
  if (closing === null) return { thought: null, rest: answer, isCut: opening !== null }
  const thought = answer.slice(opening?.[0].length ?? 0, closing.index)
  return { thought, rest: answer.slice(closing.index + closing[0].length), isCut: false }
}

async function plainCode(text: string, entryPoint: string): Promise<Implementation | Failure> {
  const python = await readPythonCode(text)
  if (python?.definitions.has(entryPoint) === true) return { code: text, python }
  // A sentence is no definition and no import; code that lacks the entry point has at least one of them.
  if (python !== null && python.definitions.size + python.imported.size > 0 && !python.hasError) {
    return withoutEntryPoint(python, entryPoint)
  }
  if (isRefusal(text)) return problem('refused', firstLine(text))
  return python === null ? problem('unreadable_code', UNREADABLE) : problem('no_code', firstLine(text))
}

async function lastImplementation(blocks: readonly CodeBlock[], entryPoint: string): Promise<Implementation | Failure> {
  const read = await Promise.all(blocks.map(async ({ text }) => ({ code: text, python: await readPythonCode(text) })))
  const chosen = read.findLast(({ python }) => python?.definitions.has(entryPoint) === true)
  if (chosen?.python === undefined || chosen.python === null) {
    const last = read.findLast(({ python }) => python !== null)?.python
    return last === undefined || last === null
      ? problem('unreadable_code', UNREADABLE)
      : withoutEntryPoint(last, entryPoint)
  }
  const { code, python } = chosen
  const others = read.flatMap((block) => (block === chosen || block.python === null ? [] : [block.python]))
  const offered = others.flatMap(({ definitions, imported }) => [...definitions, ...imported])
  const missing = offered.filter((name) => python.missing.has(name)).toSorted()
  if (missing.length === 0) return { code, python }
  return problem('several_code_blocks', `the block with ${entryPoint} uses ${missing[0]}, which another block defines`)
}

const UNREADABLE = 'the code is too large or too deeply nested to be parsed'

function withoutEntryPoint(python: PythonCode, entryPoint: string): Failure {
  const names = [...python.definitions].slice(0, 10).join(', ')
  const others = names === '' ? '' : `; it defines ${names}`
  return problem('no_entry_point', `the code defines no ${entryPoint}${others}`)
}

// Looked for only where there is no code, and only at the start: an answer that says sorry and then does the work is none.
function isRefusal(text: string): boolean {
  return /^\W*(?:(?:i(?:['’]m| am) )?sorry\b|i (?:can(?:['’]t|not)|won['’]t|am (?:unable|not able)|must decline)\b|as an ai\b|unfortunately,? i can)/i.test(
    text,
  )
}

function problem(name: AnswerProblem, detail: string): Failure {
  return { problem: name, detail }
}

function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? ''
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

function nonBlank(text: string | null): string | null {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' ? null : trimmed
}

function withFinalNewline(code: string): string {
  return `${code.trimEnd()}\n`
}
