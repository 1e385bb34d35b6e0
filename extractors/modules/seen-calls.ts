import { evaluate } from '../python/evaluation.ts'
import type { PythonModule } from '../python/modules.ts'
import { localNames } from '../python/names.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, fieldOf, nameChain, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { literalText } from '../python/values.ts'
import type { Value } from '../python/values.ts'
import type { ModuleClass } from './module-classes.ts'

/** How a repository makes one of its modules, and what it calls it with where that can be told. */
export interface SeenCall {
  readonly positional: readonly Value[]
  readonly keywords: ReadonlyMap<string, Value>
  /** Expressions that make the inputs, with literals in place of names; null where they are not told. */
  readonly inputs: readonly string[] | null
}

/** Finds the places that make modules, each file being searched once. */
export type SeenCalls = (found: ModuleClass) => SeenCall[]

/** Prepares looking for them; only files that mention a class are parsed. */
export function seenCalls(project: PythonProject): SeenCalls {
  const mentions = new Map<string, string[]>()
  for (const path of project.paths) {
    for (const name of new Set((project.files.get(path) ?? '').match(/\b[A-Z]\w*(?=\()/g))) {
      mentions.set(name, [...(mentions.get(name) ?? []), path])
    }
  }
  return (found) => {
    const paths = (mentions.get(found.name) ?? []).slice(0, MAX_FILES)
    return paths.flatMap((path) => {
      const module = project.module(path)
      return module === null ? [] : callsIn(project, module, found)
    })
  }
}

const MAX_FILES = 50

function callsIn(project: PythonProject, module: PythonModule, found: ModuleClass): SeenCall[] {
  const calls: SeenCall[] = []
  for (const { node } of module.statements) {
    for (const call of [...walk(node)].filter((inner) => inner.type === 'call')) {
      if (!makes(project, module, call, found)) continue
      const scope = innermost(node, call)
      const locals = valuesIn(project, module, scope, call)
      const { positional, keywords } = argumentsOf(module.file, call)
      const values = positional.map((argument) => evaluate({ project, module, locals }, argument))
      const named = [...keywords].map(
        ([name, argument]) => [name, evaluate({ project, module, locals }, argument)] as const,
      )
      if (values.some((value) => !isLiteral(value)) || named.some(([, value]) => !isLiteral(value))) continue
      calls.push({
        positional: values.filter((value) => value !== null),
        keywords: new Map(named.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))),
        inputs: inputsOf(project, module, scope, call, locals),
      })
    }
  }
  return calls
}

function isLiteral(value: Value | null): boolean {
  return value !== null && literalText(value) !== null
}

function makes(
  project: PythonProject,
  module: PythonModule,
  call: SyntaxNode,
  { name, module: home }: ModuleClass,
): boolean {
  const callee = fieldOf(call, 'function')
  const parts = callee === null ? null : nameChain(module.file, callee)
  if (parts?.at(-1) !== name) return false
  const meaning = resolveChain(project, module, parts)
  return meaning.kind === 'definition' && meaning.module === home && meaning.name === name
}

// The function around a call, or the statement at the top.
function innermost(top: SyntaxNode, call: SyntaxNode): SyntaxNode {
  const around = [...walk(top)].filter(
    ({ type, start, end }) => type === 'function_definition' && start <= call.start && call.end <= end,
  )
  return around.at(-1) ?? top
}

// `dim = 64` before the call is known; every other local name is not.
function valuesIn(
  project: PythonProject,
  module: PythonModule,
  scope: SyntaxNode,
  call: SyntaxNode,
): Map<string, Value | null> {
  const own = scope.type === 'function_definition' ? localNames(module.file, scope) : new Set<string>()
  const locals = new Map<string, Value | null>([...own].map((name) => [name, null]))
  for (const { left, right, end } of assignmentsIn(module, scope)) {
    if (end <= call.start) locals.set(left, evaluate({ project, module, locals }, right))
  }
  return locals
}

interface PlainAssignment {
  readonly left: string
  readonly right: SyntaxNode
  readonly end: number
}

function assignmentsIn({ file }: PythonModule, scope: SyntaxNode): PlainAssignment[] {
  return [...walk(scope)].flatMap((node) => {
    const [left, right] = node.type === 'assignment' ? [fieldOf(node, 'left'), fieldOf(node, 'right')] : []
    return left?.type === 'identifier' && right !== null && right !== undefined
      ? [{ left: textOf(file, left), right, end: node.end }]
      : []
  })
}

// `net = Block(64); net(torch.randn(2, 16, 64))`, and with the tensors under names of their own.
function inputsOf(
  project: PythonProject,
  module: PythonModule,
  scope: SyntaxNode,
  call: SyntaxNode,
  locals: ReadonlyMap<string, Value | null>,
): string[] | null {
  const assignments = assignmentsIn(module, scope)
  const held = assignments.find(({ right }) => right.start <= call.start && call.end <= right.end)
  const uses =
    held === undefined
      ? []
      : [...walk(scope)].filter(
          (node) =>
            node.type === 'call' &&
            node.start > call.end &&
            textOf(module.file, fieldOf(node, 'function') ?? node) === held.left,
        )
  const [use] = uses
  if (use === undefined) return null
  const { positional, keywords } = argumentsOf(module.file, use)
  if (positional.length === 0 || keywords.size > 0) return null
  const texts = positional.map((argument) => {
    const name = argument.type === 'identifier' ? textOf(module.file, argument) : null
    const made =
      name === null ? argument : assignments.findLast(({ left, end }) => left === name && end <= use.start)?.right
    return made === undefined ? null : tensorText(project, module, made, locals)
  })
  return texts.includes(null) ? null : texts.filter((text) => text !== null)
}

const MAKERS = new Set(['torch.randn', 'torch.rand', 'torch.randint', 'torch.ones', 'torch.zeros'])
const DROPPED = new Set(['device', 'requires_grad'])

function tensorText(
  project: PythonProject,
  module: PythonModule,
  node: SyntaxNode,
  locals: ReadonlyMap<string, Value | null>,
): string | null {
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  const parts = callee === null ? null : nameChain(module.file, callee)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  const name = meaning?.kind === 'external' ? meaning.dotted.join('.') : ''
  if (!MAKERS.has(name)) return null
  const { positional, keywords } = argumentsOf(module.file, node)
  const text = (argument: SyntaxNode): string | null => {
    const value = evaluate({ project, module, locals }, argument)
    return value === null ? null : literalText(value)
  }
  const texts = [
    ...positional.map(text),
    ...[...keywords].flatMap(([key, argument]) => {
      const value = text(argument)
      return DROPPED.has(key) ? [] : [value === null ? null : `${key}=${value}`]
    }),
  ]
  return texts.includes(null) ? null : `${name}(${texts.join(', ')})`
}
