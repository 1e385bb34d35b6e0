import type { PythonModule } from '../python/modules.ts'
import { rootOf, targetNames } from '../python/names.ts'
import { fieldOf, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'

const VIEWS =
  /^(?:view|reshape|flatten|unflatten|transpose|t|permute|squeeze|unsqueeze|expand|narrow|select|chunk|split|unbind|contiguous|detach|swapaxes|movedim|view_as)$/

/** Local names for the memory of a parameter, by the parameter: `row = x.view(-1)`, `part = out[0]`. */
export function viewsOf(
  { file }: PythonModule,
  nodes: readonly SyntaxNode[],
  parameters: ReadonlySet<string>,
): Map<string, string> {
  const views = new Map<string, string>()
  for (const node of nodes) {
    const [left, right] = node.type === 'assignment' ? [fieldOf(node, 'left'), fieldOf(node, 'right')] : []
    if (left === null || left === undefined || right === null || right === undefined) continue
    const roots = alternatives(right).flatMap((each) => (isView(file, each) ? [textOf(file, rootOf(each))] : []))
    const of = roots.map((root) => views.get(root) ?? root).find((root) => parameters.has(root))
    if (of !== undefined) for (const name of targetNames(file, left)) views.set(name, of)
  }
  return views
}

// `empty_like(x) if out is None else out`: the caller's memory, where it was given.
function alternatives(node: SyntaxNode): SyntaxNode[] {
  if (node.type === 'parenthesized_expression') return node.children.flatMap(alternatives)
  const [given, , other] = node.type === 'conditional_expression' ? node.children : []
  return given === undefined || other === undefined ? [node] : [given, other].flatMap(alternatives)
}

function isView(file: PythonModule['file'], node: SyntaxNode): boolean {
  if (node.type === 'identifier') return true
  if (node.type === 'attribute')
    return /^(?:T|mT|data)$/.test(textOf(file, fieldOf(node, 'attribute') ?? node)) && isInnerView(file, node)
  if (node.type === 'subscript') return isInnerView(file, node)
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  const method = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  return callee !== null && method !== null && VIEWS.test(textOf(file, method)) && isInnerView(file, callee)
}

function isInnerView(file: PythonModule['file'], node: SyntaxNode): boolean {
  const inner = fieldOf(node, 'object') ?? fieldOf(node, 'value')
  return inner !== null && isView(file, inner)
}
