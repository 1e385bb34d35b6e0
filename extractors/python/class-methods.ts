import type { PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'
import { resolveChain } from './resolution.ts'
import { fieldOf, nameChain, textOf, undecorated } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/** A method with the module that holds it. */
export interface FoundMethod {
  readonly module: PythonModule
  /** The function, with its decorators. */
  readonly node: SyntaxNode
}

/** The method of a class that `self.name` means: its own, or one of a base that the repository defines; null where there is none. */
export function methodNamed(
  project: PythonProject,
  module: PythonModule,
  classNode: SyntaxNode,
  name: string,
  hops = MAX_BASES,
): FoundMethod | null {
  const definition = undecorated(classNode)
  const own = fieldOf(definition, 'body')?.children.find((member) => {
    const inner = undecorated(member)
    const written = inner.type === 'function_definition' ? fieldOf(inner, 'name') : null
    return written !== null && textOf(module.file, written) === name
  })
  if (own !== undefined) return { module, node: own }
  if (hops === 0) return null
  for (const base of fieldOf(definition, 'superclasses')?.children ?? []) {
    const parts = nameChain(module.file, base)
    const meaning = parts === null ? null : resolveChain(project, module, parts)
    const node = meaning?.kind === 'definition' ? meaning.module.definitions.get(meaning.name)?.at(-1)?.node : undefined
    const isClass = node !== undefined && undecorated(node).type === 'class_definition'
    const found =
      isClass && meaning?.kind === 'definition' ? methodNamed(project, meaning.module, node, name, hops - 1) : null
    if (found !== null) return found
  }
  return null
}

const MAX_BASES = 5

/** The class at the top of a module that a node stands in, or null. */
export function classAround(module: PythonModule, { start, end }: SyntaxNode): SyntaxNode | null {
  const around = module.statements.find(({ node }) => node.start <= start && end <= node.end)
  return around !== undefined && undecorated(around.node).type === 'class_definition' ? around.node : null
}
