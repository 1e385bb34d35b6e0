import { z } from 'zod'
import { decoratorsOf, fieldOf, nameChain, textOf, undecorated, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import type { Language } from '../types.ts'
import { findMarkedFunctions } from './python-marks.ts'

const Options = z.strictObject({}).describe('No settings')

/**
 * TileLang kernels: functions under `T.prim_func`, and those under `tilelang.jit` that are a kernel themselves: they open `T.Kernel`
 * and hold no `prim_func` that does.
 */
export const tilelang: Language<z.infer<typeof Options>> = {
  id: 'tilelang',
  version: 2,
  summary: 'TileLang kernels (`@T.prim_func`, `@tilelang.jit` functions) in Python files; found, not run',
  options: Options,
  extensions: ['.py'],
  findKernels: (file) => findMarkedFunctions(file, { mention: /tilelang/, isMark, findLaunched: () => null }),
}

function isMark(dotted: string, definition: SyntaxNode, file: PythonFile): boolean {
  // In a file that speaks of TileLang, TVM's `prim_func` is one of its kernels in the form that the compiler works on.
  if (/(?:^|\.)prim_func$/.test(dotted)) return true
  if (!/^tilelang\.(?:\w+\.)*(?:jit|lazy_jit)$/.test(dotted)) return false
  const body = fieldOf(definition, 'body')
  if (body === null) return false
  const inside = [...walk(body)]
  const holdsKernel = inside.some((node) => {
    const callee = node.type === 'call' ? fieldOf(node, 'function') : null
    return callee !== null && nameChain(file, callee)?.at(-1) === 'Kernel'
  })
  return holdsKernel && !inside.some((node) => isPrimFunction(file, node))
}

function isPrimFunction(file: PythonFile, node: SyntaxNode): boolean {
  if (undecorated(node) === node) return false
  return decoratorsOf(node).some((decorator) => /\bprim_func\b/.test(textOf(file, decorator)))
}
