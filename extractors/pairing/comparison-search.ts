import { classAround, methodNamed } from '../python/class-methods.ts'
import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { fieldOf, nameChain, textOf, undecorated } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { ASSERTED_BOUNDS, ASSERTED_CONDITION, isComparisonName } from './comparisons.ts'

/** Whether code compares values, itself or in a helper it calls. */
export function holdsComparison(project: PythonProject, module: PythonModule, node: SyntaxNode, hops = 2): boolean {
  const known = CACHE.get(node)
  if (known !== undefined) return known
  // A function that calls itself compares nothing more than it would anyway.
  CACHE.set(node, false)
  const found = search(project, module, node, hops)
  CACHE.set(node, found)
  return found
}

// Per node: the same helpers are called by hundreds of tests.
const CACHE = new WeakMap<SyntaxNode, boolean>()

function search(project: PythonProject, module: PythonModule, node: SyntaxNode, hops: number): boolean {
  if (node.type === 'assert_statement' && isBoundOnDifference(module, node)) return true
  if (node.type === 'call' && isComparingCall(project, module, node, hops)) return true
  return node.children.some((child) => search(project, module, child, hops))
}

// `assert (a - b).abs().max() < 1e-3`, `assert max_diff < tolerance`; `assert n <= 65536` bounds something else.
function isBoundOnDifference(module: PythonModule, node: SyntaxNode): boolean {
  const condition = textOf(module.file, node.children[0] ?? node)
  return /[<>]/.test(condition) && isBoundText(condition, condition)
}

function isBoundText(text: string, operators: string): boolean {
  if (operators.includes('<') && /\b(?:abs|norm|allclose)\b|diff|err/i.test(text)) return true
  return /cos|similarity|snr|sqnr/i.test(text)
}

function isComparingCall(project: PythonProject, module: PythonModule, call: SyntaxNode, hops: number): boolean {
  const callee = fieldOf(call, 'function')
  if (callee === null) return false
  const parts = nameChain(module.file, callee)
  const attribute = fieldOf(callee, 'attribute')
  const name = parts?.at(-1) ?? (attribute === null ? '' : textOf(module.file, attribute))
  if (isComparisonName(name)) return true
  const text = textOf(module.file, call)
  if (ASSERTED_BOUNDS.has(name)) return isBoundText(text, '<')
  if (name === ASSERTED_CONDITION && /[<>]/.test(text) && isBoundText(text, text)) return true
  if (parts === null || hops === 0) return false
  if (parts[0] === 'self') return isComparingMethod(project, module, call, parts, hops)
  const meaning = resolveChain(project, module, parts)
  if (meaning.kind !== 'definition' || meaning.used < parts.length) return false
  const [statement] = meaning.module.definitions.get(meaning.name) ?? []
  const definition = statement === undefined ? null : undecorated(statement.node)
  // A helper is small; a comparison deep inside a library is no test of what it was called with.
  const isHelper =
    definition?.type === 'function_definition' && definition.end - definition.start < MAX_HELPER_CHARACTERS
  return isHelper && holdsComparison(project, meaning.module, definition, hops - 1)
}

// `self.run_problem(m, n, k)`, where the method compares for all tests of its class.
function isComparingMethod(
  project: PythonProject,
  module: PythonModule,
  call: SyntaxNode,
  [, name, ...more]: readonly string[],
  hops: number,
): boolean {
  const classNode = name === undefined || more.length > 0 ? null : classAround(module, call)
  const method = classNode === null ? null : methodNamed(project, module.home ?? module, classNode, name ?? '')
  return method !== null && holdsComparison(project, method.module, undecorated(method.node), hops - 1)
}

const MAX_HELPER_CHARACTERS = 8000
