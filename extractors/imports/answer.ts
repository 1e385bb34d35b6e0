import { answerParts, firstLine, isRefusal, problem, withFinalNewline } from './answer-parts.ts'
import type { AnswerFailure } from './answer-parts.ts'
import type { CodeBlock } from './code-blocks.ts'
import { readPythonCode } from './python-code.ts'
import type { PythonCode } from './python-code.ts'

/** The class that an implementation must define. */
export const ENTRY_POINT = 'ModelNew'

/** An answer taken apart, or why that is not possible. */
export type ParsedAnswer =
  | { readonly problem: null; readonly reasoning: string | null; readonly code: string; readonly python: PythonCode }
  | AnswerFailure

/**
 * Takes a model's answer apart: the reasoning (given apart, or between `<think>` tags) and the implementation, which is the
 * last complete code block that defines the entry point, or the whole text where that is plain code.
 */
export async function parseAnswer(
  answer: string,
  givenReasoning: string | null,
  entryPoint = ENTRY_POINT,
): Promise<ParsedAnswer> {
  const parts = answerParts(answer, givenReasoning)
  if (parts.problem !== null) return parts
  const { text, blocks, reasoning } = parts
  const chosen = blocks.length === 0 ? await plainCode(text, entryPoint) : await lastImplementation(blocks, entryPoint)
  if ('problem' in chosen) return chosen
  return { problem: null, reasoning, code: withFinalNewline(chosen.code), python: chosen.python }
}

interface Implementation {
  readonly code: string
  readonly python: PythonCode
}
async function plainCode(text: string, entryPoint: string): Promise<Implementation | AnswerFailure> {
  const python = await readPythonCode(text)
  if (python?.definitions.has(entryPoint) === true) return { code: text, python }
  // A sentence is no definition and no import; code that lacks the entry point has at least one of them.
  if (python !== null && python.definitions.size + python.imported.size > 0 && !python.hasError) {
    return withoutEntryPoint(python, entryPoint)
  }
  if (isRefusal(text)) return problem('refused', firstLine(text))
  return python === null ? problem('unreadable_code', UNREADABLE) : problem('no_code', firstLine(text))
}

async function lastImplementation(
  blocks: readonly CodeBlock[],
  entryPoint: string,
): Promise<Implementation | AnswerFailure> {
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

function withoutEntryPoint(python: PythonCode, entryPoint: string): AnswerFailure {
  const names = [...python.definitions].slice(0, 10).join(', ')
  const others = names === '' ? '' : `; it defines ${names}`
  return problem('no_entry_point', `the code defines no ${entryPoint}${others}`)
}
