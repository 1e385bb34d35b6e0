import { importedNames, isImport } from './imports.ts'
import { fieldOf, fieldsOf, parametersOf, textOf } from './syntax.ts'
import type { PythonFile, SyntaxNode } from './syntax.ts'

type Text = Pick<PythonFile, 'text'>

/** The names that running a node binds in its own scope: assignments, imports, definitions, loop variables and their kin. */
export function boundNames(file: Text, node: SyntaxNode): Set<string> {
  const names = new Set<string>()
  collectBound(file, node, names)
  return names
}

/** The names of an assignment target; what is subscripted or has an attribute set is changed, not bound. */
export function targetNames(file: Text, target: SyntaxNode): string[] {
  if (target.type === 'identifier') return [textOf(file, target)]
  if (!PATTERNS.has(target.type)) return []
  return target.children.flatMap((child) => targetNames(file, child))
}

/** The root names of values a target changes in place: `x` of `x[0] = 1`, of `x.grad = None`, of `x.weight.data = y`. */
export function changedNames(file: Text, target: SyntaxNode): string[] {
  if (target.type === 'subscript' || target.type === 'attribute') {
    const root = rootOf(target)
    return root.type === 'identifier' ? [textOf(file, root)] : []
  }
  if (!PATTERNS.has(target.type)) return []
  return target.children.flatMap((child) => changedNames(file, child))
}

/** What an attribute, a subscript or a call starts from: `x` of `x.a[0].b()`. */
export function rootOf(node: SyntaxNode): SyntaxNode {
  const inner = fieldOf(node, 'object') ?? fieldOf(node, 'value') ?? fieldOf(node, 'function')
  const isLink = node.type === 'attribute' || node.type === 'subscript' || node.type === 'call'
  return isLink && inner !== null ? rootOf(inner) : node
}

/** Whether a node starts a scope of its own. */
export function isScope(node: SyntaxNode): boolean {
  return SCOPES.has(node.type)
}

/** Whether a node is a comprehension or a generator expression. */
export function isComprehension(node: SyntaxNode): boolean {
  return COMPREHENSIONS.has(node.type)
}

/** The names that are local inside a scope: its parameters and what its body binds, less what it declares global. */
export function localNames(file: Text, scope: SyntaxNode): Set<string> {
  const names = new Set<string>()
  if (isComprehension(scope)) {
    for (const clause of scope.children) {
      const left = clause.type === 'for_in_clause' ? fieldOf(clause, 'left') : null
      if (left !== null) targetNames(file, left).forEach((name) => names.add(name))
    }
    return names
  }
  for (const { name } of parametersOf(file, scope)) names.add(name)
  const body = fieldOf(scope, 'body')
  if (body !== null) collectBound(file, body, names)
  for (const declared of body === null ? [] : declaredGlobal(file, body)) names.delete(declared)
  return names
}

const PATTERNS = new Set([
  'pattern_list',
  'tuple_pattern',
  'list_pattern',
  'list_splat_pattern',
  'expression_list',
  'tuple',
  'list',
  'list_splat',
  'parenthesized_expression',
  'as_pattern_target',
])
const COMPREHENSIONS = new Set([
  'list_comprehension',
  'set_comprehension',
  'dictionary_comprehension',
  'generator_expression',
])
const SCOPES = new Set(['function_definition', 'class_definition', 'lambda', ...COMPREHENSIONS])

function collectBound(file: Text, node: SyntaxNode, names: Set<string>): void {
  if (isImport(node)) {
    for (const { local } of importedNames(file, node)) names.add(local)
    return
  }
  bindsAt(file, node).forEach((name) => names.add(name))
  if (node.type === 'lambda') return
  if (node.type === 'function_definition' || node.type === 'class_definition') return
  for (const child of node.children) {
    if (isComprehension(child)) collectWalrus(file, child, names)
    else collectBound(file, child, names)
  }
}

function bindsAt(file: Text, node: SyntaxNode): string[] {
  const target = targetOf(node)
  if (target !== null) return targetNames(file, target)
  if (node.type === 'type_alias_statement') return node.children.slice(0, 1).map((child) => textOf(file, child))
  // `case [a, b]`, `case x`: a plain name in a pattern is bound; a dotted one is compared with.
  if (
    node.type === 'case_pattern' &&
    node.children[0]?.type === 'dotted_name' &&
    node.children[0].children.length === 1
  ) {
    return [textOf(file, node.children[0])]
  }
  return []
}

function targetOf(node: SyntaxNode): SyntaxNode | null {
  switch (node.type) {
    case 'assignment':
    case 'augmented_assignment':
    case 'for_statement':
      return fieldOf(node, 'left')
    case 'named_expression':
    case 'function_definition':
    case 'class_definition':
      return fieldOf(node, 'name')
    case 'as_pattern':
      return fieldOf(node, 'alias')
    default:
      return null
  }
}

// `:=` inside a comprehension binds outside of it.
function collectWalrus(file: Text, node: SyntaxNode, names: Set<string>): void {
  if (node.type === 'named_expression') fieldsOf(node, 'name').forEach((name) => names.add(textOf(file, name)))
  for (const child of node.children) collectWalrus(file, child, names)
}

function declaredGlobal(file: Text, node: SyntaxNode): string[] {
  if (node.type === 'global_statement' || node.type === 'nonlocal_statement') {
    return node.children.map((child) => textOf(file, child))
  }
  if (node.type === 'function_definition' || node.type === 'class_definition') return []
  return node.children.flatMap((child) => declaredGlobal(file, child))
}
