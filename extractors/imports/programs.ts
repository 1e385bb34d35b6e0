import { ENTRY_POINT, parseAnswer } from './answer.ts'
import type { ParsedAnswer } from './answer.ts'
import type { MappedRow } from './columns.ts'
import { parseNativeAnswer } from './native-answer.ts'
import type { ParsedNativeAnswer } from './native-answer.ts'
import { readPythonCode } from './python-code.ts'
import type { PythonCode } from './python-code.ts'

/** How a dataset writes programs, and what makes them the form that is judged. */
export type ProgramForm = 'module' | 'native' | 'cuda_extension' | 'custom_kernel'

type Implementation = Extract<ParsedAnswer, { problem: null }>
type NativeImplementation = Extract<ParsedNativeAnswer, { problem: null }>
interface Problem {
  readonly problem: string
  readonly detail: string
}

/** The reference of a row in KernelBench form, or what it lacks. */
export async function readReference(
  text: string,
  className: string,
): Promise<{ readonly problem: null; readonly code: string; readonly python: PythonCode } | Problem> {
  const answer = await parseAnswer(text, null, className)
  if (answer.problem === 'no_entry_point') return { problem: 'no_reference_class', detail: answer.detail }
  if (answer.problem !== null) return { problem: 'unreadable_reference', detail: answer.detail }
  const { python } = answer
  const lacks = ['get_inputs', 'get_init_inputs'].find((name) => !python.definitions.has(name))
  if (lacks !== undefined) return { problem: 'no_inputs', detail: `the reference defines no ${lacks}` }
  return { problem: null, code: withAlias(answer.code, 'Model', className), python }
}

/** An answer of a row as a `ModelNew` or a native launcher, or why there is none. */
export async function readImplementation(
  form: ProgramForm,
  answer: string,
  { reasoning, code_class, functional }: Pick<MappedRow, 'reasoning' | 'code_class' | 'functional'>,
): Promise<Implementation | NativeImplementation | Problem> {
  if (form === 'native') return parseNativeAnswer(answer, reasoning)
  if (form === 'cuda_extension') return extensionModule(answer, functional, reasoning)
  if (form === 'custom_kernel') return competitionModule(answer, reasoning)
  const className = code_class ?? ENTRY_POINT
  const parsed = await parseAnswer(answer, reasoning, className)
  if (parsed.problem !== null) return parsed
  return { ...parsed, code: withAlias(parsed.code, ENTRY_POINT, className) }
}

// Datasets that name classes after what they compute keep that name: a reader of the row finds it in the text.
function withAlias(code: string, name: string, className: string): string {
  return name === className ? code : `${code.trimEnd()}\n\n\n${name} = ${className}\n`
}

/**
 * A CUDA extension that exports `forward`, called by a functional program whose `Model.forward` takes it as `fn`: the form of
 * the AI CUDA Engineer archive (https://pub.sakana.ai/ai-cuda-engineer/paper).
 */
async function extensionModule(
  cuda: string,
  functional: string | null,
  reasoning: string | null,
): Promise<Implementation | Problem> {
  if (functional === null) return { problem: 'missing_value', detail: 'there is no functional program to call it from' }
  if (!cuda.includes('PYBIND11_MODULE')) return { problem: 'no_entry_point', detail: 'the extension binds nothing' }
  const code = `${functional.trimEnd()}


from torch.utils.cpp_extension import load_inline

_CUDA_SOURCE = ${pythonText(cuda)}
_extension = load_inline(name="imported_extension", cpp_sources="", cuda_sources=_CUDA_SOURCE)


class ${ENTRY_POINT}(Model):
    def forward(self, *inputs):
        return super().forward(*inputs, fn=_extension.forward)
`
  const python = await readPythonCode(code)
  if (python === null) return { problem: 'unreadable_code', detail: 'the code is too large or too deeply nested' }
  if (!python.definitions.has('Model')) {
    return { problem: 'no_entry_point', detail: 'the functional program defines no Model' }
  }
  return { problem: null, reasoning, code, python }
}

/** `custom_kernel(data)`, the form of competitions (https://github.com/gpu-mode/reference-kernels): one tuple of inputs. */
async function competitionModule(text: string, reasoning: string | null): Promise<Implementation | Problem> {
  // The competition's `task.py` holds names of types alone.
  const source = text.replaceAll(/^from task import .*$/gm, 'input_t = output_t = object')
  const answer = await parseAnswer(source, reasoning, 'custom_kernel')
  if (answer.problem !== null) return answer
  const code = `${answer.code.trimEnd()}


import torch as _torch


class ${ENTRY_POINT}(_torch.nn.Module):
    def forward(self, *data):
        return custom_kernel(data[0] if len(data) == 1 else data)
`
  return { ...answer, code }
}

// JSON's escapes are Python's as well, except that Python has no pairs of surrogates: text is escaped by code point.
function pythonText(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\u{10ffff}]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0
    return point > 0xffff ? `\\U${point.toString(16).padStart(8, '0')}` : `\\u${point.toString(16).padStart(4, '0')}`
  })
}
