import { argumentsOf, fieldOf, textOf } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import type { Code, TestComparison } from './test-code.ts'

/** The lists that `for out, ref in zip(outs, refs): assert_close(out, ref)` compares, by the names of their values; null for other loops. */
export function pairwiseLists(file: Pick<PythonFile, 'text'>, loop: SyntaxNode): [string, SyntaxNode][] | null {
  const [left, right] = [fieldOf(loop, 'left'), fieldOf(loop, 'right')]
  const callee = right?.type === 'call' ? fieldOf(right, 'function') : null
  if (left === null || right === null || callee === null || textOf(file, callee) !== 'zip') return null
  const lists = argumentsOf(file, right).positional
  const named = left.children.flatMap((child, at): [string, SyntaxNode][] => {
    const list = lists[at]
    return child.type === 'identifier' && list !== undefined ? [[textOf(file, child), list]] : []
  })
  return named.length === left.children.length && named.length === lists.length ? named : null
}

/**
 * The comparison of two lists that `assert_close(out.float(), ref.float())` makes of each two of their values: lists have no `float`, and
 * what is done alike to both sides decides nothing.
 */
export function withoutConversions(comparison: TestComparison): TestComparison {
  const [left, right] = [converted(comparison.left), converted(comparison.right)]
  if (left === null || right === null || left.method !== right.method) return comparison
  return { ...comparison, left: left.of, right: right.of }
}

function converted({ frame, node }: Code): { of: Code; method: string } | null {
  const { file } = frame.module
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  const object = callee?.type === 'attribute' ? fieldOf(callee, 'object') : null
  if (object?.type !== 'identifier') return null
  const method = file.text.slice(object.end, node.end)
  return CONVERSION.test(method) ? { of: { frame, node: object }, method } : null
}

const CONVERSION = /^\.(?:float|double|cpu|detach|to)\([\w."]*\)$/
