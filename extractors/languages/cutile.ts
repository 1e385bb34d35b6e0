import { z } from 'zod'
import { argumentsOf, fieldOf, nameChain } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import type { Language } from '../types.ts'
import { findMarkedFunctions } from './python-marks.ts'

const Options = z.strictObject({}).describe('No settings')

/** cuTile kernels: functions under `cuda.tile.kernel`, launched by `ct.launch(stream, grid, kernel, arguments)`. */
export const cutile: Language<z.infer<typeof Options>> = {
  id: 'cutile',
  version: 1,
  summary: 'cuTile kernels (`@ct.kernel` functions) in Python files; found, not run',
  options: Options,
  extensions: ['.py'],
  findKernels: (file) => findMarkedFunctions(file, { mention: /\b(?:ct|tile|cuda_tile)\b/, isMark, findLaunched }),
}

// Libraries hand the module on under its usual name: `from .common import ct`.
function isMark(dotted: string): boolean {
  return /(?:^|\.)(?:cuda\.tile|cuda_tile|ct)\.kernel$/.test(dotted)
}

function findLaunched(file: PythonFile, call: SyntaxNode): readonly SyntaxNode[] | null {
  const callee = fieldOf(call, 'function')
  const name = callee === null ? null : nameChain(file, callee)?.at(-1)
  if (name !== 'launch') return null
  const { positional, keywords } = argumentsOf(file, call)
  const kernel = keywords.get('kernel') ?? positional[2]
  return kernel === undefined ? null : [kernel]
}
