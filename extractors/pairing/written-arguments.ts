import { localNames } from '../python/names.ts'
import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, fieldOf, nameChain, parametersOf, textOf, undecorated, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { changedBelow } from './in-place-changes.ts'
import { viewsOf } from './memory-views.ts'
import type { Frame } from './test-code.ts'

/**
 * Of the arguments of a call whose result nobody takes, the names of those that the function writes to: its body says so where it is a
 * function of the repository that launches nothing and hands nothing on to be written by others. Null where it cannot be told.
 */
export function writtenArguments(project: PythonProject, frame: Frame, call: SyntaxNode): string[] | null {
  const called = calledFunction(project, frame, call)
  const written = called === null ? null : writtenParameters(called.module, called.definition)
  if (called === null || written === null || written.size === 0) return null
  const { positional, keywords } = argumentsOf(frame.module.file, call)
  return parametersOf(called.module.file, called.definition).flatMap(({ name }, at) => {
    const value = written.has(name) ? (keywords.get(name) ?? positional[at]) : undefined
    return value?.type === 'identifier' ? [textOf(frame.module.file, value)] : []
  })
}

/**
 * Whether a call is of a function of the repository that gives back something other than what it was given: whoever does not take it
 * calls for nothing else.
 */
export function givesNewValue(project: PythonProject, frame: Frame, call: SyntaxNode): boolean {
  const called = calledFunction(project, frame, call)
  const body = called === null ? null : fieldOf(called.definition, 'body')
  if (called === null || body === null) return false
  const { file } = called.module
  const parameters = new Set(parametersOf(file, called.definition).map(({ name }) => name))
  const isInside = (node: SyntaxNode): boolean => node.type !== 'function_definition' && node.type !== 'lambda'
  const returned = [...walk(body, isInside)]
    .filter(({ type }) => type === 'return_statement')
    .flatMap(({ children }) => children)
    .flatMap((value) => (value.type === 'expression_list' || value.type === 'tuple' ? value.children : [value]))
  const isGiven = (value: SyntaxNode): boolean => value.type === 'none' || parameters.has(textOf(file, value))
  return returned.length > 0 && !returned.some(isGiven)
}

function calledFunction(
  project: PythonProject,
  frame: Frame,
  call: SyntaxNode,
): { module: PythonModule; definition: SyntaxNode } | null {
  const callee = fieldOf(call, 'function')
  const parts = callee === null ? null : nameChain(frame.module.file, callee)
  if (parts === null || frame.locals.has(parts[0] ?? '')) return null
  const meaning = resolveChain(project, frame.module, parts)
  if (meaning.kind !== 'definition' || meaning.used < parts.length) return null
  const [statement, ...more] = meaning.module.definitions.get(meaning.name) ?? []
  const definition = statement === undefined ? null : undecorated(statement.node)
  if (definition?.type !== 'function_definition' || more.length > 0) return null
  return { module: meaning.module, definition }
}

// The same helper is called by many tests.
const KNOWN = new WeakMap<SyntaxNode, ReadonlySet<string> | null>()

function writtenParameters(module: PythonModule, definition: SyntaxNode): ReadonlySet<string> | null {
  const known = KNOWN.get(definition)
  if (known !== undefined) return known
  const found = searchBody(module, definition)
  KNOWN.set(definition, found)
  return found
}

function searchBody(module: PythonModule, definition: SyntaxNode): ReadonlySet<string> | null {
  const { file } = module
  const body = fieldOf(definition, 'body')
  if (body === null) return null
  const nodes = [...walk(body)]
  const handsOn = nodes.some(
    (node) => isLaunch(node) || (node.type === 'expression_statement' && isPlainCall(module, node)),
  )
  if (handsOn) return null
  const parameters = new Set(parametersOf(file, definition).map(({ name }) => name))
  const views = viewsOf(module, nodes, parameters)
  const frame: Frame = { id: -1, module, locals: localNames(file, definition) }
  const changed = changedBelow(frame, body).map((name) => views.get(name) ?? name)
  return new Set(changed.filter((name) => parameters.has(name)))
}

// `kernel[grid](x, out)`
function isLaunch(node: SyntaxNode): boolean {
  return node.type === 'call' && fieldOf(node, 'function')?.type === 'subscript'
}

// A call for its effect, of something other than a method: who knows what it writes to.
function isPlainCall({ file }: PythonModule, statement: SyntaxNode): boolean {
  const [call] = statement.children
  const callee = call?.type === 'call' ? fieldOf(call, 'function') : null
  return callee?.type === 'identifier' && !['print', 'assert', 'len'].includes(textOf(file, callee))
}
