import { z } from 'zod'
import { parsePython, textOf, walk } from '../python/syntax.ts'
import type { PythonFile } from '../python/syntax.ts'
import type { FoundKernels, Language, SourceText } from '../types.ts'
import { jitKernel } from './jit-kernel.ts'
import { findJitFunctions } from './triton-jit.ts'
import type { JitFunction } from './triton-jit.ts'
import { findUses } from './triton-uses.ts'

const Options = z.strictObject({}).describe('No settings')

/**
 * Triton kernels: functions under `triton.jit`, however it was imported, called with settings, stacked with other
 * decorators or applied as a call (`k = triton.jit(f)`). Gluon's `jit` is another language and not counted.
 */
export const triton: Language<z.infer<typeof Options>> = {
  id: 'triton',
  version: 2,
  summary: 'Triton kernels (`@triton.jit` functions) in Python files',
  options: Options,
  extensions: ['.py'],
  findKernels,
}

async function findKernels(source: SourceText): Promise<FoundKernels> {
  // Most Python files hold no kernel and need no parser; an alias of the module still spells its name once.
  if (!source.text.includes('triton')) return { kernels: [], skipped: [], uses: [] }
  const { file, failure } = await parsePython(source.path, source.text)
  if (file === null) return { kernels: [], skipped: [{ symbol: source.path, line: 1, reason: failure }], uses: [] }
  const functions = findJitFunctions(file)
  const uses = findUses(file, functions)
  const kernels = functions.map((found) => jitKernel(file, found, uses, found.wrappers))
  return { kernels, skipped: lostInErrors(file, functions), uses }
}

// A decorator that the parser could not attach to a function, in a file that is no valid Python.
function lostInErrors(file: PythonFile, functions: readonly JitFunction[]): FoundKernels['skipped'] {
  if (!file.hasError) return []
  const inside = (offset: number): boolean => functions.some(({ outer }) => outer.start <= offset && offset < outer.end)
  return [...walk(file.root)]
    .filter((node) => node.type === 'decorator' && !inside(node.start) && textOf(file, node).includes('triton.jit'))
    .map((node) => ({ symbol: 'triton.jit', line: file.lineOf(node.start), reason: 'syntax_error' }))
}
