import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { fieldOf, nameChain, textOf, undecorated } from '../python/syntax.ts'
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
  const helper = parts[0] === 'self' ? methodOf(frame.module, classNode, parts) : functionOf(project, frame, parts)
  return helper !== null && holdsComparison(project, helper.module, helper.definition) ? helper : null
}

/** The function behind `self.method` where it is handed on as a value, or the node itself. */
export function functionBehind({ module }: Frame, classNode: SyntaxNode | null, node: SyntaxNode): SyntaxNode {
  const parts = node.type === 'attribute' ? nameChain(module.file, node) : null
  const found = parts?.[0] === 'self' ? methodOf(module, classNode, parts) : null
  return found?.definition ?? node
}

function methodOf(
  module: PythonModule,
  classNode: SyntaxNode | null,
  parts: readonly string[],
): ComparingFunction | null {
  const body = classNode === null ? null : fieldOf(undecorated(classNode), 'body')
  const found = body?.children.map(undecorated).find((member) => {
    const name = member.type === 'function_definition' ? fieldOf(member, 'name') : null
    return name !== null && parts.length === 2 && textOf(module.file, name) === parts[1]
  })
  return found === undefined ? null : { module, definition: found, isMethod: true }
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
