import { allImports } from '../python/imports.ts'
import { decoratorsOf, fieldOf, nameChain, parsePython, textOf, undecorated, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import type { FoundKernels, SourceText } from '../types.ts'
import { jitKernel } from './jit-kernel.ts'
import { findUses } from './triton-uses.ts'
import type { FindLaunched } from './triton-uses.ts'
import type { JitFunction } from './triton-jit.ts'

/** How a language inside Python marks a function as a kernel. */
export interface PythonMark {
  /** A file that does not hold this text holds no kernel. Without `g`. */
  readonly mention: RegExp
  /** Whether a decorator of this whole name marks a kernel, given the function under it. */
  readonly isMark: (dotted: string, definition: SyntaxNode, file: PythonFile) => boolean
  /** The kernels that a call launches; null where it launches none. */
  readonly findLaunched: FindLaunched
}

/** Functions under a decorator that marks kernels, however it was imported or called. */
export async function findMarkedFunctions(source: SourceText, mark: PythonMark): Promise<FoundKernels> {
  if (!mark.mention.test(source.text)) return { kernels: [], skipped: [], uses: [] }
  const { file, failure } = await parsePython(source.path, source.text)
  if (file === null) return { kernels: [], skipped: [{ symbol: source.path, line: 1, reason: failure }], uses: [] }
  const functions = markedFunctions(file, mark)
  const uses = findUses(file, functions, mark.findLaunched)
  return {
    kernels: functions.map((found) => jitKernel(file, found, uses, decoratorsOf(found.outer))),
    skipped: [],
    uses,
  }
}

/** The whole dotted name of what an expression of a file names, imports and plain assignments followed. */
export function wholeNames(file: PythonFile): (node: SyntaxNode) => string | null {
  const meanings = new Map<string, string>()
  for (const { local, module, name, bound, level } of allImports(file)) {
    if (name === '*') continue
    const from = `${'.'.repeat(level)}${module}`
    meanings.set(local, name === null ? (bound ?? module) : from === '' ? name : `${from}.${name}`)
  }
  const whole = (node: SyntaxNode): string | null => {
    const chain = nameChain(file, node)
    if (chain === null) return null
    const [first = '', ...rest] = chain
    return [meanings.get(first) ?? first, ...rest].join('.')
  }
  for (const node of walk(file.root)) {
    const [left, right] = [fieldOf(node, 'left'), fieldOf(node, 'right')]
    if (node.type !== 'assignment' || left?.type !== 'identifier' || right?.type !== 'attribute') continue
    const name = whole(right)
    if (name !== null && !meanings.has(textOf(file, left))) meanings.set(textOf(file, left), name)
  }
  return whole
}

function markedFunctions(file: PythonFile, { isMark }: PythonMark): JitFunction[] {
  const whole = wholeNames(file)
  const found: JitFunction[] = []
  const visit = (node: SyntaxNode, path: readonly string[]): void => {
    const definition = undecorated(node)
    const name = /^(?:function|class)_definition$/.test(definition.type) ? fieldOf(definition, 'name') : null
    const inner = name === null ? path : [...path, textOf(file, name)]
    const wrappers = decoratorsOf(node).filter((decorator) => {
      const callee = decorator.type === 'call' ? fieldOf(decorator, 'function') : decorator
      const dotted = callee === null ? null : whole(callee)
      return dotted !== null && isMark(dotted, definition, file)
    })
    if (definition.type === 'function_definition' && wrappers.length > 0)
      found.push({ name: inner.at(-1) ?? '', symbol: inner.join('.'), outer: node, definition, wrappers })
    for (const child of definition === node ? node.children : definition.children) visit(child, inner)
  }
  visit(file.root, [])
  return found
}
