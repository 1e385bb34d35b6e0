import { z } from 'zod'
import { fieldOf, textOf } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import type { Language } from '../types.ts'
import { findMarkedFunctions } from './python-marks.ts'

const Options = z.strictObject({}).describe('No settings')

/**
 * CuTe DSL kernels: functions and methods under `cute.kernel` or `cute.experimental.kernel`, launched by `kernel(...).launch(...)`.
 * `cute.jit` is their host code.
 */
export const cuteDsl: Language<z.infer<typeof Options>> = {
  id: 'cute-dsl',
  version: 2,
  summary: 'CuTe DSL kernels (`@cute.kernel` functions) in Python files; found, not run',
  options: Options,
  extensions: ['.py'],
  findKernels: (file) => findMarkedFunctions(file, { mention: /cute/, isMark, findLaunched }),
}

function isMark(dotted: string): boolean {
  return /(?:^|\.)cute(?:\.experimental)?\.kernel$/.test(dotted)
}

function findLaunched(file: PythonFile, call: SyntaxNode): readonly SyntaxNode[] | null {
  const callee = fieldOf(call, 'function')
  const attribute = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  const object = callee?.type === 'attribute' ? fieldOf(callee, 'object') : null
  if (attribute === null || textOf(file, attribute) !== 'launch' || object?.type !== 'call') return null
  const kernel = fieldOf(object, 'function')
  return kernel === null ? null : [kernel]
}
