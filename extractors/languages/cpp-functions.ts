import type { SyntaxNode } from './syntax-tree.ts'

/** A function of a C++ file. */
export interface CppFunction {
  /** Name without namespaces and template arguments. */
  readonly name: string
  /** The definition with its template line or `extern "C"`. */
  readonly outer: SyntaxNode
  readonly definition: SyntaxNode
  readonly parameters: SyntaxNode
  readonly calls: readonly { readonly name: string; readonly node: SyntaxNode }[]
  readonly isExported: boolean
}

/** The functions of a file that have a body, blocks that register operators left out. */
export function findCppFunctions(text: string, root: SyntaxNode): CppFunction[] {
  const definitions: Definition[] = []
  collect(text, root, { isC: false, outer: null }, definitions)
  const registered = new Set(definitions.filter(isRegistration).flatMap(({ node }) => registeredNames(text, node)))
  return definitions
    .filter((definition) => !isRegistration(definition))
    .map(({ name, node, outer, parameters, isC }) => ({
      name,
      outer,
      definition: node,
      parameters,
      calls: callsBelow(text, node),
      isExported: isC || registered.has(name),
    }))
}

interface Definition {
  readonly name: string
  readonly node: SyntaxNode
  readonly outer: SyntaxNode
  readonly parameters: SyntaxNode
  readonly isC: boolean
}

interface Around {
  readonly isC: boolean
  /** The template line or linkage that belongs to the definition below. */
  readonly outer: SyntaxNode | null
}

function collect(text: string, node: SyntaxNode, around: Around, found: Definition[]): void {
  if (node.type === 'function_definition') {
    const declarator = functionDeclarator(node)
    const [name, parameters] = [
      declarator && child(declarator, 'declarator'),
      declarator && child(declarator, 'parameters'),
    ]
    if (!name || !parameters) return
    found.push({ name: baseName(text, name), node, outer: around.outer ?? node, parameters, isC: around.isC })
    return
  }
  const isLinkage = node.type === 'linkage_specification'
  const keepsOuter =
    node.type === 'template_declaration' || (isLinkage && child(node, 'body')?.type === 'function_definition')
  const inner: Around = { isC: around.isC || isLinkage, outer: keepsOuter ? (around.outer ?? node) : null }
  for (const next of node.children) collect(text, next, inner, found)
}

// Past the pointers and references of a return type.
function functionDeclarator(definition: SyntaxNode): SyntaxNode | null {
  let node = child(definition, 'declarator')
  while (node !== null && node.type !== 'function_declarator') {
    node = child(node, 'declarator') ?? node.children.find(({ type }) => type.endsWith('_declarator')) ?? null
  }
  return node
}

const REGISTRATION = /^(?:STABLE_)?TORCH_LIBRARY(?:_IMPL|_FRAGMENT)?$|^PYBIND11_MODULE$/

function isRegistration({ name }: Definition): boolean {
  return REGISTRATION.test(name)
}

// Names in `m.def("op", &op)`, `m.impl("op", TORCH_BOX(&ns::op))`; a lambda's body counts with what it calls.
function registeredNames(text: string, block: SyntaxNode): string[] {
  return [...descendants(block)].flatMap((node) => {
    const callee = node.type === 'call_expression' ? child(node, 'function') : null
    const method = callee?.type === 'field_expression' ? child(callee, 'field') : null
    if (method === null || !['def', 'impl'].includes(text.slice(method.start, method.end))) return []
    const list = child(node, 'arguments')
    const names = list === null ? [] : [...descendants(list)]
    return names
      .filter(({ type }) => type === 'identifier' || type === 'qualified_identifier' || type === 'template_function')
      .map((name) => baseName(text, name))
  })
}

function callsBelow(text: string, definition: SyntaxNode): CppFunction['calls'] {
  return [...descendants(definition)].flatMap((node) => {
    const callee = node.type === 'call_expression' ? child(node, 'function') : null
    if (callee === null || callee.type === 'field_expression') return []
    return [{ name: baseName(text, callee), node }]
  })
}

function baseName(text: string, node: SyntaxNode): string {
  if (node.type === 'qualified_identifier' || node.type === 'template_function') {
    const name = child(node, 'name')
    if (name !== null) return baseName(text, name)
  }
  return text.slice(node.start, node.end)
}

function child(node: SyntaxNode, field: string): SyntaxNode | null {
  return node.children.find((candidate) => candidate.field === field) ?? null
}

function* descendants(node: SyntaxNode): Generator<SyntaxNode> {
  yield node
  for (const next of node.children) yield* descendants(next)
}
