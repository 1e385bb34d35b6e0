import { isImport } from './imports.ts'
import { isComprehension, isScope, localNames } from './names.ts'
import { fieldOf, textOf } from './syntax.ts'
import type { PythonFile, SyntaxNode } from './syntax.ts'

/** A place where a name of an outer scope is read or bound. */
export interface Reference {
  readonly name: string
  readonly identifier: SyntaxNode
  /** The longest chain of attributes that starts here: for `a` in `a.b.c(x)` the node of `a.b.c`. */
  readonly chain: SyntaxNode
  /** The names along the chain, the first one being `name`. */
  readonly parts: readonly string[]
  /** `bind` where the name is given a value here: an assignment's target, a definition's name. */
  readonly role: 'read' | 'bind'
  /** Whether it is read when the node is run, or only when a function inside it is called. */
  readonly isEager: boolean
  /** Whether it stands in a type annotation. */
  readonly isAnnotation: boolean
  /** Names that are local somewhere between the node and the reference. */
  readonly shadows: ReadonlySet<string>
}

type Text = Pick<PythonFile, 'text'>

/**
 * The free names of a statement or expression, in order of place. Python's scopes are followed: class bodies are invisible to
 * the functions inside, decorators, defaults and the first iterable of a comprehension are read outside. `skip` leaves out spans.
 */
export function freeReferences(
  file: Text,
  node: SyntaxNode,
  skip: (node: SyntaxNode) => boolean = () => false,
): Reference[] {
  const found: Reference[] = []
  visit({ file, skip, found }, node, {
    locals: [],
    shadows: NO_NAMES,
    isEager: true,
    isAnnotation: false,
    role: 'read',
  })
  return found
}

interface Walk {
  readonly file: Text
  readonly skip: (node: SyntaxNode) => boolean
  readonly found: Reference[]
}

interface Place {
  /** Scopes from the outermost; those of classes are seen only from directly inside. */
  readonly locals: readonly { readonly names: ReadonlySet<string>; readonly isClass: boolean }[]
  readonly shadows: ReadonlySet<string>
  readonly isEager: boolean
  readonly isAnnotation: boolean
  readonly role: 'read' | 'bind'
}

const NO_NAMES: ReadonlySet<string> = new Set()

function visit(walk: Walk, node: SyntaxNode, place: Place): void {
  if (isImport(node) || walk.skip(node)) return
  if (node.type === 'identifier') return addReference(walk, node, node, [textOf(walk.file, node)], place)
  if (node.type === 'attribute') return visitAttribute(walk, node, place)
  if (node.type === 'keyword_argument') return visitField(walk, node, 'value', place)
  if (node.type === 'global_statement' || node.type === 'nonlocal_statement') return
  if (node.type === 'case_pattern' && node.children[0]?.type === 'dotted_name') return visitPattern(walk, node, place)
  if (node.type === 'type') return visitAll(walk, node.children, { ...place, isAnnotation: true, role: 'read' })
  if (node.type === 'function_definition' || node.type === 'lambda') return visitFunction(walk, node, place)
  if (node.type === 'class_definition') return visitClass(walk, node, place)
  if (isComprehension(node)) return visitComprehension(walk, node, place)
  for (const child of node.children) {
    visit(walk, child, { ...place, role: isTarget(node, child) ? 'bind' : roleBelow(node, place) })
  }
}

// Below a subscript or an attribute a target is read; a pattern passes its role on to what it unpacks.
function roleBelow(node: SyntaxNode, place: Place): Place['role'] {
  return UNPACKING.has(node.type) ? place.role : 'read'
}

const UNPACKING = new Set(['pattern_list', 'tuple_pattern', 'list_pattern', 'list_splat_pattern', 'as_pattern_target'])

function isTarget(parent: SyntaxNode, child: SyntaxNode): boolean {
  return TARGETS.has(`${parent.type}.${child.field}`)
}

// An augmented assignment is left out: `x += 1` reads x before it binds it.
const TARGETS = new Set([
  'assignment.left',
  'for_statement.left',
  'for_in_clause.left',
  'as_pattern.alias',
  'named_expression.name',
])

function visitAll(walk: Walk, nodes: readonly SyntaxNode[], place: Place): void {
  for (const node of nodes) visit(walk, node, place)
}

function visitField(walk: Walk, node: SyntaxNode, name: string, place: Place): void {
  const child = fieldOf(node, name)
  if (child !== null) visit(walk, child, place)
}

// Down the chain to the name it starts from; a chain that starts from a call or the like holds no name of its own.
function visitAttribute(walk: Walk, node: SyntaxNode, place: Place): void {
  const parts: string[] = []
  let inner: SyntaxNode = node
  while (inner.type === 'attribute') {
    const [object, attribute] = [fieldOf(inner, 'object'), fieldOf(inner, 'attribute')]
    if (object === null || attribute === null) return
    parts.unshift(textOf(walk.file, attribute))
    inner = object
  }
  const read: Place = { ...place, role: 'read' }
  if (inner.type === 'identifier') addReference(walk, inner, node, [textOf(walk.file, inner), ...parts], read)
  else visit(walk, inner, read)
}

function visitPattern(walk: Walk, node: SyntaxNode, place: Place): void {
  const [name] = node.children
  const parts = name?.children ?? []
  const [first] = parts
  // `case x:` binds; `case module.CONSTANT:` reads.
  if (name === undefined || first === undefined || parts.length < 2) return
  addReference(
    walk,
    first,
    name,
    parts.map((part) => textOf(walk.file, part)),
    place,
  )
}

function visitFunction(walk: Walk, node: SyntaxNode, place: Place): void {
  visitField(walk, node, 'name', { ...place, role: 'bind' })
  const parameters = fieldOf(node, 'parameters')
  for (const parameter of parameters?.children ?? []) {
    visitField(walk, parameter, 'type', place)
    visitField(walk, parameter, 'value', place)
  }
  visitField(walk, node, 'return_type', place)
  visitField(walk, node, 'body', { ...inside(walk, node, place, false), isEager: false })
}

function visitClass(walk: Walk, node: SyntaxNode, place: Place): void {
  visitField(walk, node, 'name', { ...place, role: 'bind' })
  visitField(walk, node, 'superclasses', place)
  visitField(walk, node, 'body', inside(walk, node, place, true))
}

function visitComprehension(walk: Walk, node: SyntaxNode, place: Place): void {
  const inner = inside(walk, node, place, false)
  let isFirst = true
  for (const child of node.children) {
    if (child.type !== 'for_in_clause') {
      visit(walk, child, inner)
      continue
    }
    visitField(walk, child, 'right', isFirst ? place : inner)
    isFirst = false
  }
}

function inside(walk: Walk, scope: SyntaxNode, place: Place, isClass: boolean): Place {
  const names = isScope(scope) ? localNames(walk.file, scope) : NO_NAMES
  return {
    ...place,
    locals: [...place.locals.filter((outer) => !outer.isClass), { names, isClass }],
    shadows: new Set([...place.shadows, ...names]),
  }
}

function addReference(
  walk: Walk,
  identifier: SyntaxNode,
  chain: SyntaxNode,
  parts: readonly string[],
  place: Place,
): void {
  const name = parts[0] ?? ''
  if (place.locals.some(({ names }) => names.has(name))) return
  const { isEager, isAnnotation, shadows, role } = place
  walk.found.push({ name, identifier, chain, parts, isEager, isAnnotation, shadows, role })
}
