import {
  decoratorsOf,
  argumentsOf,
  fieldOf,
  nameChain,
  parametersOf,
  textOf,
  undecorated,
  walk,
} from '../python/syntax.ts'
import type { Parameter, SyntaxNode } from '../python/syntax.ts'
import type { PythonModule } from '../python/modules.ts'
import { localNames, targetNames } from '../python/names.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { changedBelow } from './in-place-changes.ts'
import { viewsOf } from './memory-views.ts'
import type { Code, Frame } from './test-code.ts'

interface Called {
  readonly module: PythonModule
  readonly definition: SyntaxNode
  /** Parameters that the caller does not give: `ctx` of an autograd function. */
  readonly skipped: number
  readonly isKernel: boolean
}

/**
 * The names, among the arguments of a call, of tensors that end up written to: by the function itself, by functions of the repository
 * that it hands them to, or by a Triton kernel that stores through a pointer to them. What cannot be followed is left out. `callee` is
 * the function that is meant where the call names a variable.
 */
export function writtenByCall(project: PythonProject, frame: Frame, call: SyntaxNode, callee?: Code): string[] {
  const meant = callee ?? { frame, node: fieldOf(call, 'function') ?? call }
  return writtenBy(project, frame, call, calledBy(project, meant.frame, meant.node), new Set())
}

function writtenIn(project: PythonProject, frame: Frame, call: SyntaxNode, open: Set<SyntaxNode>): string[] {
  const callee = fieldOf(call, 'function')
  return callee === null ? [] : writtenBy(project, frame, call, calledBy(project, frame, callee), open)
}

function writtenBy(
  project: PythonProject,
  frame: Frame,
  call: SyntaxNode,
  called: Called | null,
  open: Set<SyntaxNode>,
): string[] {
  if (called === null) return []
  const written = called.isKernel
    ? storedParameters(called)
    : writtenParameters(project, called, open.has(called.definition) || open.size >= MAX_DEPTH ? null : open)
  if (written.size === 0) return []
  const { positional, keywords } = argumentsOf(frame.module.file, call)
  const parameters = parametersOf(called.module.file, called.definition)
  return parameters.flatMap(({ name }, at) => {
    const place = placeOf(at - called.skipped, positional, parameters.slice(called.skipped))
    const value = written.has(name) ? (keywords.get(name) ?? positional[place]) : undefined
    return value?.type === 'identifier' ? [textOf(frame.module.file, value)] : []
  })
}

// Which argument a parameter gets: after `*values` they are counted from the end, where none can be left out.
function placeOf(at: number, positional: readonly SyntaxNode[], parameters: readonly Parameter[]): number {
  const splat = positional.findIndex(({ type }) => type === 'list_splat')
  if (splat === -1 || at < splat) return at
  const isFixed = parameters.every((each) => each.kind === 'positional' && each.default === null)
  const place = positional.length - (parameters.length - at)
  return isFixed && place > splat ? place : -1
}

// Deeper than wrappers of wrappers go.
const MAX_DEPTH = 6

// `launcher(x)`, `kernel[grid](x)`, `Function.apply(x)`
function calledBy(project: PythonProject, { module, locals }: Frame, callee: SyntaxNode): Called | null {
  const launched = callee.type === 'subscript' ? fieldOf(callee, 'value') : null
  const parts = nameChain(module.file, launched ?? callee)
  if (parts === null || locals.has(parts[0] ?? '')) return null
  const meaning = resolveChain(project, module, parts)
  if (meaning.kind !== 'definition') return null
  const [statement, ...more] = meaning.module.definitions.get(meaning.name) ?? []
  const outer =
    statement === undefined || more.length > 0 ? null : definedIn(meaning.module, statement.node, meaning.name)
  if (outer === null) return null
  const definition = undecorated(outer)
  const rest = parts.slice(meaning.used).join('.')
  if (definition.type === 'class_definition' && rest === 'apply') return forwardOf(meaning.module, definition)
  if (definition.type !== 'function_definition' || rest !== '') return null
  const isKernel = decoratorsOf(outer).some((node) => /\bjit\b/.test(textOf(meaning.module.file, node)))
  return isKernel === (launched !== null) ? { module: meaning.module, definition, skipped: 0, isKernel } : null
}

// `if HAS_TRITON:` with the definition inside, once.
function definedIn(module: PythonModule, statement: SyntaxNode, name: string): SyntaxNode | null {
  if (statement.type !== 'if_statement') return statement
  const blocks = statement.children.flatMap((child) => (child.type === 'else_clause' ? child.children : [child]))
  const inner = blocks.filter(({ type }) => type === 'block').flatMap(({ children }) => children)
  const [only, ...more] = inner.filter((node) => {
    const definition = undecorated(node)
    return definition.type.endsWith('_definition') && nameOf(module, definition) === name
  })
  return only === undefined || more.length > 0 ? null : only
}

function forwardOf(module: PythonModule, definition: SyntaxNode): Called | null {
  const members = fieldOf(definition, 'body')?.children ?? []
  const forward = members
    .map(undecorated)
    .find((member) => member.type === 'function_definition' && nameOf(module, member) === 'forward')
  return forward === undefined ? null : { module, definition: forward, skipped: 1, isKernel: false }
}

function nameOf({ file }: PythonModule, definition: SyntaxNode): string {
  const name = fieldOf(definition, 'name')
  return name === null ? '' : textOf(file, name)
}

const KNOWN = new WeakMap<SyntaxNode, ReadonlySet<string>>()

function writtenParameters(
  project: PythonProject,
  { module, definition }: Called,
  open: Set<SyntaxNode> | null,
): ReadonlySet<string> {
  const known = KNOWN.get(definition)
  const body = fieldOf(definition, 'body')
  if (known !== undefined || open === null || body === null) return known ?? new Set()
  open.add(definition)
  const { file } = module
  const nodes = [...walk(body, (node) => node.type !== 'function_definition' && node.type !== 'lambda')]
  const parameters = new Set(parametersOf(file, definition).map(({ name }) => name))
  const views = viewsOf(module, nodes, parameters)
  for (const name of rebound(module, nodes, views)) parameters.delete(name)
  const frame: Frame = { id: -1, module, locals: localNames(file, definition) }
  const calls = nodes.filter(({ type }) => type === 'call')
  const changed = [...changedBelow(frame, body), ...calls.flatMap((call) => writtenIn(project, frame, call, open))]
  const written = new Set(changed.map((name) => views.get(name) ?? name).filter((name) => parameters.has(name)))
  open.delete(definition)
  KNOWN.set(definition, written)
  return written
}

// `x = x.float()`: from there on the name is not the caller's memory.
function rebound({ file }: PythonModule, nodes: readonly SyntaxNode[], views: ReadonlyMap<string, string>): string[] {
  return nodes.flatMap((node) => {
    const left = node.type === 'assignment' ? fieldOf(node, 'left') : null
    return left === null ? [] : targetNames(file, left).filter((name) => views.get(name) !== name)
  })
}

// The pointers that a kernel stores through: `tl.store(out_ptr + at, value)`, `tl.atomic_add(p, value)` where `p = x_ptr + at`.
function storedParameters({ module, definition }: Called): ReadonlySet<string> {
  const known = KNOWN.get(definition)
  const body = fieldOf(definition, 'body')
  if (known !== undefined || body === null) return known ?? new Set()
  const { file } = module
  const nodes = [...walk(body)]
  const pointers = new Map<string, readonly string[]>(parametersOf(file, definition).map(({ name }) => [name, [name]]))
  for (const node of nodes) {
    const [left, right] = node.type === 'assignment' ? [fieldOf(node, 'left'), fieldOf(node, 'right')] : []
    if (left?.type !== 'identifier' || right === null || right === undefined) continue
    const roots = pointerRoots(file, right, pointers)
    const name = textOf(file, left)
    if (roots.length > 0) pointers.set(name, [...new Set([...(pointers.get(name) ?? []), ...roots])])
  }
  const stored = new Set(
    nodes.flatMap((node) => {
      const callee = node.type === 'call' ? fieldOf(node, 'function') : null
      const [target] = node.type === 'call' ? argumentsOf(file, node).positional : []
      const isStore = callee !== null && /\.(?:store|atomic_\w+)$/.test(textOf(file, callee))
      return isStore && target !== undefined ? pointerRoots(file, target, pointers) : []
    }),
  )
  KNOWN.set(definition, stored)
  return stored
}

function pointerRoots(
  file: PythonModule['file'],
  node: SyntaxNode,
  pointers: ReadonlyMap<string, readonly string[]>,
): string[] {
  if (node.type === 'identifier') return [...(pointers.get(textOf(file, node)) ?? [])]
  if (node.type === 'binary_operator') {
    // Of `p + row * stride` only the sum is an address.
    const operands = [fieldOf(node, 'left'), fieldOf(node, 'right')]
    const isSum = /^[+-]$/.test(operatorOf(file, node))
    return isSum ? operands.flatMap((part) => (part === null ? [] : pointerRoots(file, part, pointers))) : []
  }
  if (node.type === 'parenthesized_expression')
    return node.children.flatMap((part) => pointerRoots(file, part, pointers))
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  if (callee === null) return []
  const { positional, keywords } = argumentsOf(file, node)
  const object = fieldOf(callee, 'object')
  if (textOf(file, callee).endsWith('.to')) return object === null ? [] : pointerRoots(file, object, pointers)
  const base = keywords.get('base') ?? positional[0]
  const isBlock = /\.(?:make_block_ptr|advance)$/.test(textOf(file, callee))
  return isBlock && base !== undefined ? pointerRoots(file, base, pointers) : []
}

function operatorOf(file: PythonModule['file'], node: SyntaxNode): string {
  const [left, right] = [fieldOf(node, 'left'), fieldOf(node, 'right')]
  return left === null || right === null ? '' : file.text.slice(left.end, right.start).trim()
}
