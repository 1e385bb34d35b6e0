import { lineTable } from '../languages/line-table.ts'
import { openGrammars } from '../languages/syntax-tree.ts'
import type { SyntaxNode } from '../languages/syntax-tree.ts'

export type { SyntaxNode } from '../languages/syntax-tree.ts'

/** A parsed Python file. */
export interface PythonFile {
  readonly path: string
  readonly text: string
  readonly root: SyntaxNode
  /** Whether the parser had to skip or invent something. */
  readonly hasError: boolean
  /** The line of an offset, from 1. */
  lineOf(offset: number): number
}

/** A parsed file, or why there is none. */
export type ParsedPython =
  { readonly file: PythonFile; readonly failure: null } | { readonly file: null; readonly failure: string }

/** Parses a file, or says why that is not possible. */
export async function parsePython(path: string, text: string): Promise<ParsedPython> {
  return (await openPythonParser())(path, text)
}

/** Loads the grammar; what comes back parses at once. */
export async function openPythonParser(): Promise<(path: string, text: string) => ParsedPython> {
  const parse = await openGrammars()
  return (path, text) => {
    const parsed = parse('python', text)
    if (parsed.root === null) return { file: null, failure: parsed.failure }
    return {
      file: { path, text, root: parsed.root, hasError: parsed.hasError, lineOf: lineTable(text) },
      failure: null,
    }
  }
}

/** The child that its parent knows by `name`, or null. */
export function fieldOf(node: SyntaxNode, name: string): SyntaxNode | null {
  return node.children.find((child) => child.field === name) ?? null
}

/** All children that their parent knows by `name`. */
export function fieldsOf(node: SyntaxNode, name: string): SyntaxNode[] {
  return node.children.filter((child) => child.field === name)
}

/** A node and everything below it, parents first. `enter` can keep the walk out of a node's inside. */
export function* walk(node: SyntaxNode, enter: (node: SyntaxNode) => boolean = () => true): Generator<SyntaxNode> {
  // A stack of our own: generators inside generators hand every node through every level above it.
  const open = [node]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next
    if (enter(next)) open.push(...next.children.toReversed())
  }
}

/** The text of a node. */
export function textOf(file: Pick<PythonFile, 'text'>, node: SyntaxNode): string {
  return file.text.slice(node.start, node.end)
}

/** `a.b.c` as its parts, or null for anything that is no plain chain of names. */
export function nameChain(file: Pick<PythonFile, 'text'>, node: SyntaxNode): string[] | null {
  if (node.type === 'identifier') return [textOf(file, node)]
  if (node.type === 'dotted_name') return node.children.map((child) => textOf(file, child))
  if (node.type === 'parenthesized_expression') {
    const [inner] = node.children
    return inner === undefined ? null : nameChain(file, inner)
  }
  if (node.type !== 'attribute') return null
  const [object, attribute] = [fieldOf(node, 'object'), fieldOf(node, 'attribute')]
  if (object === null || attribute === null) return null
  const front = nameChain(file, object)
  return front === null ? null : [...front, textOf(file, attribute)]
}

/** The definition inside a decorated one, or the node itself. */
export function undecorated(node: SyntaxNode): SyntaxNode {
  return node.type === 'decorated_definition' ? (fieldOf(node, 'definition') ?? node) : node
}

/** The expressions behind the `@` of a definition, from the top. */
export function decoratorsOf(node: SyntaxNode): SyntaxNode[] {
  if (node.type !== 'decorated_definition') return []
  return node.children
    .filter((child) => child.type === 'decorator')
    .flatMap((decorator) => decorator.children.slice(0, 1))
}

/** Positional and keyword arguments of a call; splats are positional with a star in `node.type`. */
export interface CallArguments {
  readonly positional: readonly SyntaxNode[]
  readonly keywords: ReadonlyMap<string, SyntaxNode>
}

/** The arguments of a call; a lone generator argument counts as positional. */
export function argumentsOf(file: Pick<PythonFile, 'text'>, call: SyntaxNode): CallArguments {
  const list = fieldOf(call, 'arguments')
  if (list === null) return { positional: [], keywords: new Map() }
  if (list.type !== 'argument_list') return { positional: [list], keywords: new Map() }
  const positional: SyntaxNode[] = []
  const keywords = new Map<string, SyntaxNode>()
  for (const child of list.children) {
    const [name, value] = [fieldOf(child, 'name'), fieldOf(child, 'value')]
    if (child.type === 'keyword_argument' && name !== null && value !== null) keywords.set(textOf(file, name), value)
    else positional.push(child)
  }
  return { positional, keywords }
}

/** A parameter of a function. */
export interface Parameter {
  readonly name: string
  readonly kind: 'positional' | 'keyword_only' | 'list_splat' | 'dictionary_splat'
  readonly default: SyntaxNode | null
}

/** The parameters of a function or lambda, in order. */
export function parametersOf(file: Pick<PythonFile, 'text'>, definition: SyntaxNode): Parameter[] {
  const parameters: Parameter[] = []
  let keywordOnly = false
  for (const node of fieldOf(definition, 'parameters')?.children ?? []) {
    if (node.type === 'keyword_separator') keywordOnly = true
    const parameter = parameterOf(file, node, keywordOnly)
    if (parameter === null) continue
    if (parameter.kind === 'list_splat') keywordOnly = true
    parameters.push(parameter)
  }
  return parameters
}

function parameterOf(file: Pick<PythonFile, 'text'>, node: SyntaxNode, keywordOnly: boolean): Parameter | null {
  const kind = keywordOnly ? 'keyword_only' : 'positional'
  if (node.type === 'identifier') return { name: textOf(file, node), kind, default: null }
  if (node.type === 'default_parameter' || node.type === 'typed_default_parameter') {
    const name = fieldOf(node, 'name')
    return name === null ? null : { name: textOf(file, name), kind, default: fieldOf(node, 'value') }
  }
  if (node.type === 'typed_parameter') {
    const [inner] = node.children
    return inner === undefined ? null : parameterOf(file, inner, keywordOnly)
  }
  if (node.type === 'list_splat_pattern' || node.type === 'dictionary_splat_pattern') {
    const [name] = node.children
    const splat = node.type === 'list_splat_pattern' ? 'list_splat' : 'dictionary_splat'
    return name === undefined ? null : { name: textOf(file, name), kind: splat, default: null }
  }
  return null
}
