import { methodNamed } from '../python/class-methods.ts'
import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { fieldOf, nameChain, undecorated } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { holdsComparison } from './comparison-search.ts'
import type { Frame } from './test-code.ts'

/** A function of the test's own that compares for it. */
export interface ComparingFunction {
  readonly module: PythonModule
  readonly definition: SyntaxNode
  readonly isMethod: boolean
}

/** The comparing function that a call in a frame means: a function, or a method of the test's class; null where it compares nothing. */
export function comparingFunctionOf(
  project: PythonProject,
  call: SyntaxNode,
  frame: Frame,
  classNode: SyntaxNode | null,
): ComparingFunction | null {
  const callee = fieldOf(call, 'function')
  const parts = callee === null ? null : nameChain(frame.module.file, callee)
  if (parts === null) return null
  const helper =
    parts[0] === 'self' ? methodOf(project, frame.module, classNode, parts) : functionOf(project, frame, parts)
  return helper !== null && holdsComparison(project, helper.module, helper.definition) ? helper : null
}

/** The function behind `self.method` where it is handed on as a value, or the node itself. */
export function functionBehind(
  project: PythonProject,
  { module }: Frame,
  classNode: SyntaxNode | null,
  node: SyntaxNode,
): SyntaxNode {
  const parts = node.type === 'attribute' ? nameChain(module.file, node) : null
  const found = parts?.[0] === 'self' ? methodOf(project, module, classNode, parts) : null
  return found?.module.path === module.path ? found.definition : node
}

function methodOf(
  project: PythonProject,
  module: PythonModule,
  classNode: SyntaxNode | null,
  parts: readonly string[],
): ComparingFunction | null {
  const [, name] = parts
  if (classNode === null || name === undefined || parts.length > 2) return null
  const found = methodNamed(project, module.home ?? module, classNode, name)
  return found === null ? null : { module: found.module, definition: undecorated(found.node), isMethod: true }
}

function functionOf(project: PythonProject, frame: Frame, parts: readonly string[]): ComparingFunction | null {
  if (frame.locals.has(parts[0] ?? '')) return null
  const meaning = resolveChain(project, frame.module, parts)
  if (meaning.kind !== 'definition' || meaning.used < parts.length) return null
  const [only, ...more] = meaning.module.definitions.get(meaning.name) ?? []
  const definition = only === undefined ? null : undecorated(only.node)
  if (definition?.type !== 'function_definition' || more.length > 0) return null
  return { module: meaning.module, definition, isMethod: false }
}
