import { findCppFunctions } from '../languages/cpp-functions.ts'
import type { CppFunction } from '../languages/cpp-functions.ts'
import { parseSyntax } from '../languages/syntax-tree.ts'
import { answerParts, firstLine, isRefusal, problem, withFinalNewline } from './answer-parts.ts'
import type { AnswerFailure } from './answer-parts.ts'

/** The function that a native implementation must export: see validators/worker/curate_worker/runner/native.py. */
export const LAUNCHER = 'run'

/** A native implementation with what led to it, or why there is none. */
export type ParsedNativeAnswer =
  | {
      readonly problem: null
      readonly reasoning: string | null
      readonly code: string
      readonly language: 'cuda' | 'cpp'
    }
  | AnswerFailure

/**
 * Takes an answer apart that holds C++ or CUDA: the implementation is the last code block that exports the launcher, or the whole
 * text where that is plain code.
 */
export async function parseNativeAnswer(answer: string, givenReasoning: string | null): Promise<ParsedNativeAnswer> {
  const parts = answerParts(answer, givenReasoning)
  if (parts.problem !== null) return parts
  const { text, blocks, reasoning } = parts
  const isPlain = blocks.length === 0
  const read = await Promise.all((isPlain ? [text] : blocks.map((block) => block.text)).map(readNative))
  const files = read.filter((file) => file !== null)
  if (files.length === 0) return problem('unreadable_code', 'the code is too large or too deeply nested to be parsed')
  const chosen = files.findLast(({ launcher }) => launcher !== null)
  if (chosen === undefined || chosen.launcher === null) return withoutLauncher(text, files, isPlain)
  const wrong = wrongSignature(chosen.code, chosen.launcher)
  if (wrong !== null) return problem('no_entry_point', wrong)
  const missing = missingFrom(chosen, files)
  if (missing !== null) {
    return problem('several_code_blocks', `the block with ${LAUNCHER} uses ${missing}, which another block defines`)
  }
  const language = DEVICE_CODE.test(chosen.code) ? 'cuda' : 'cpp'
  return { problem: null, reasoning, code: withFinalNewline(chosen.code), language }
}

// Far above any implementation by hand or by model.
const MAX_CHARACTERS = 1_000_000
const DEVICE_CODE = /__global__|<<<|\bcudaStream_t\b|#\s*include\s*[<"]cuda/

interface NativeCode {
  readonly code: string
  readonly functions: readonly CppFunction[]
  readonly launcher: CppFunction | null
}

async function readNative(code: string): Promise<NativeCode | null> {
  if (code.length > MAX_CHARACTERS) return null
  const { root } = await parseSyntax('cuda', code)
  if (root === null) return null
  const functions = findCppFunctions(code, root)
  const launcher = functions.findLast(({ name, isExported }) => name === LAUNCHER && isExported) ?? null
  return { code, functions, launcher }
}

function withoutLauncher(text: string, files: readonly NativeCode[], isPlain: boolean): AnswerFailure {
  const names = files.flatMap(({ functions }) => functions.map(({ name }) => name))
  if (isPlain && names.length === 0) return problem(isRefusal(text) ? 'refused' : 'no_code', firstLine(text))
  if (names.includes(LAUNCHER)) return problem('no_entry_point', `${LAUNCHER} is not declared extern "C"`)
  const others = names.length === 0 ? '' : `; it defines ${[...new Set(names)].slice(0, 10).join(', ')}`
  return problem('no_entry_point', `the code defines no extern "C" function ${LAUNCHER}${others}`)
}

// Called with other arguments than it takes, it would be wrong in ways that nobody could explain to a model.
function wrongSignature(code: string, { definition, parameters }: CppFunction): string | null {
  const list = parameters.children.filter(({ type }) => type.endsWith('parameter_declaration'))
  if (list.length !== 5) return `${LAUNCHER} takes ${list.length} parameters, not 5`
  const type = definition.children.find(({ field }) => field === 'type')
  const returned = type === undefined ? '' : code.slice(type.start, type.end)
  return returned === 'void' ? `${LAUNCHER} returns nothing, not int` : null
}

// Functions alone: what a header of the toolkit defines is no function of an answer.
function missingFrom({ functions, code }: NativeCode, files: readonly NativeCode[]): string | null {
  const own = new Set(functions.map(({ name }) => name))
  const others = files.filter((file) => file.code !== code).flatMap((file) => file.functions.map(({ name }) => name))
  const used = new Set(code.match(/[A-Za-z_]\w*/g))
  return others.filter((name) => !own.has(name) && used.has(name)).toSorted()[0] ?? null
}
