import { boundNames } from '../python/names.ts'
import { freeReferences } from '../python/references.ts'
import { fieldOf } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'

interface Read {
  readonly file: Pick<PythonFile, 'text'>
  readonly unread: ReadonlySet<SyntaxNode>
}

/**
 * The names a statement reads from before it. Inside a block a name that the block itself has bound is its own: `if c: x = f()` and
 * then `x[0] = 1` in the same branch read no earlier `x`. `unread` are expressions inside it that nobody asks for.
 */
export function outerReads(
  file: Pick<PythonFile, 'text'>,
  node: SyntaxNode,
  unread: ReadonlySet<SyntaxNode> = new Set(),
): Set<string> {
  const reads = new Set<string>()
  readStatement({ file, unread }, node, new Set(), reads)
  return reads
}

const BLOCKS = new Set(['if_statement', 'for_statement', 'while_statement', 'with_statement', 'try_statement'])
const CLAUSES = new Set(['else_clause', 'elif_clause', 'except_clause', 'finally_clause'])

function readStatement(read: Read, node: SyntaxNode, bound: ReadonlySet<string>, reads: Set<string>): void {
  if (!BLOCKS.has(node.type) && !CLAUSES.has(node.type)) {
    addReads(read, node, bound, reads)
    return
  }
  // Names of a loop or a `with` are bound before its body; the body of a loop may run after itself, with names it bound.
  const targets = new Set([...bound, ...headNames(read, node)])
  for (const child of node.children) {
    if (child.type === 'block') readBlock(read, child, targets, reads)
    else if (CLAUSES.has(child.type)) readStatement(read, child, bound, reads)
    else addReads(read, child, bound, reads)
  }
}

function readBlock(read: Read, block: SyntaxNode, bound: ReadonlySet<string>, reads: Set<string>): void {
  const inside = new Set(bound)
  for (const statement of block.children) {
    readStatement(read, statement, inside, reads)
    // What only a branch of it binds may be unbound afterwards.
    if (!BLOCKS.has(statement.type)) for (const name of boundNames(read.file, statement)) inside.add(name)
  }
}

function headNames({ file }: Read, node: SyntaxNode): Set<string> {
  const head = node.type === 'for_statement' ? fieldOf(node, 'left') : null
  const items = node.type === 'with_statement' ? node.children.filter(({ type }) => type === 'with_clause') : []
  const names = head === null ? [] : freeReferences(file, head).map(({ name }) => name)
  return new Set([...names, ...items.flatMap((item) => [...boundNames(file, item)])])
}

function addReads(read: Read, node: SyntaxNode, bound: ReadonlySet<string>, reads: Set<string>): void {
  const references = freeReferences(read.file, node, (inner) => read.unread.has(inner))
  for (const { name, role } of references) if (role === 'read' && !bound.has(name)) reads.add(name)
}
