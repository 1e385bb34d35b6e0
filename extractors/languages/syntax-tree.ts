import { Language, Parser } from 'web-tree-sitter'
import type { Node, TreeCursor } from 'web-tree-sitter'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CurateError } from '../../pipelines/core/errors.ts'
import { packageRoot } from '../../pipelines/core/package-root.ts'

export type Grammar = 'python' | 'cuda' | 'cpp'

/** A node of a syntax tree as a plain value: the tree it came from is freed. */
export interface SyntaxNode {
  readonly type: string
  /** Offsets into the text, in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** The name its parent knows it by, such as `left` or `body`. */
  readonly field: string | null
  /** Named nodes, and operators that have a field name; comments are left out. */
  readonly children: readonly SyntaxNode[]
}

/** A parsed text. `failure` says why there is no tree: a value, since one odd file must not stop the others. */
export type ParsedSyntax =
  | { readonly root: SyntaxNode; readonly hasError: boolean; readonly failure: null }
  | { readonly root: null; readonly hasError: true; readonly failure: 'nested_too_deep' | 'too_hard_to_parse' }

/** Parses a text and copies its tree out. */
export async function parseSyntax(grammar: Grammar, text: string): Promise<ParsedSyntax> {
  return (await openGrammars())(grammar, text)
}

/** Loads the grammars; what comes back parses at once, for analyses that go from file to file. */
export async function openGrammars(): Promise<(grammar: Grammar, text: string) => ParsedSyntax> {
  const parsers = await openParsers()
  return (grammar, text) => {
    // Languages that share a grammar look at a file one after the other.
    if (last?.grammar !== grammar || last.text !== text) {
      last = { grammar, text, parsed: lendTree(parsers[grammar], parserText(grammar, text), copyTree, TOO_HARD) }
    }
    return last.parsed
  }
}

let last: { readonly grammar: Grammar; readonly text: string; readonly parsed: ParsedSyntax } | undefined

/** Lends the tree of a text to `use` and frees it afterwards; gives `fallback` where the text takes too long to parse. */
export async function withSyntaxTree<Result>(
  grammar: Grammar,
  text: string,
  use: (root: Node) => Result,
  fallback: Result,
): Promise<Result> {
  return lendTree((await openParsers())[grammar], parserText(grammar, text), use, fallback)
}

// After every comment tree-sitter-python looks through all that follow for the next indentation: time that grows with the square of
// a run of comments, ten seconds for 4000 lines. Blanked they cost nothing, and no tree of ours holds them. Lines that may end a
// string, in which such a run may stand, are left.
function parserText(grammar: Grammar, text: string): string {
  if (grammar !== 'python') return text
  return text.replaceAll(COMMENT_RUN, (run) => run.replaceAll(BLANKED_COMMENT, (comment) => ' '.repeat(comment.length)))
}

const COMMENT_RUN = /(?:^[ \t]*(?:#[^\n]*)?\n){100,}/gm
const BLANKED_COMMENT = /#(?![^\n]*(?:"""|'''))[^\n]*/g

const TOO_HARD: ParsedSyntax = { root: null, hasError: true, failure: 'too_hard_to_parse' }

function lendTree<Result>(parser: Parser, text: string, use: (root: Node) => Result, fallback: Result): Result {
  let steps = 0
  const limit = MIN_STEPS + text.length
  const tree = parser.parse(text, null, { progressCallback: () => (steps += 1) > limit })
  if (tree === null) {
    parser.reset()
    return fallback
  }
  try {
    return use(tree.rootNode)
  } finally {
    tree.delete()
  }
}

// Counted, not timed, so that the same file is refused on every machine. Ordinary code takes about one step per 200
// characters; the hardest text found by trying, `a<b<a<b<...` in C++, takes one per ten.
const MIN_STEPS = 10_000

// Deeper trees would overflow the stack of whoever walks them; people's code stays below 200.
const MAX_DEPTH = 1200

let opened: Promise<Record<Grammar, Parser>> | undefined

// All grammars at once and before the first parse: web-tree-sitter 0.27 crashes ("null function or function signature
// mismatch") when a grammar is loaded after its memory has grown.
function openParsers(): Promise<Record<Grammar, Parser>> {
  opened ??= loadParsers()
  return opened
}

async function loadParsers(): Promise<Record<Grammar, Parser>> {
  await Parser.init()
  return {
    python: await openParser('tree-sitter-python'),
    cuda: await openParser('tree-sitter-cuda'),
    cpp: await openParser('tree-sitter-cpp'),
  }
}

async function openParser(packageName: string): Promise<Parser> {
  const parser = new Parser()
  parser.setLanguage(await Language.load(grammarFile(packageName)))
  return parser
}

// Beside this package or, where it is installed as a dependency, hoisted above it.
function grammarFile(packageName: string): string {
  const file = join(packageName, `${packageName}.wasm`)
  const places = [
    join(packageRoot, 'node_modules', file),
    join(packageRoot, '..', file),
    join(packageRoot, '..', '..', file),
  ]
  const found = places.find((path) => existsSync(path))
  if (found !== undefined) return found
  throw new CurateError('grammar_missing', `the npm package ${packageName} is not installed`, {
    hint: 'Run `npm ci` in the folder of curate.',
  })
}

function copyTree(root: Node): ParsedSyntax {
  const cursor = root.walk()
  try {
    const copied = copyNode(cursor, 0)
    if (copied === null) return { root: null, hasError: true, failure: 'nested_too_deep' }
    return { root: copied, hasError: root.hasError, failure: null }
  } finally {
    cursor.delete()
  }
}

// Null where the tree is too deep.
function copyNode(cursor: TreeCursor, depth: number): SyntaxNode | null {
  if (depth > MAX_DEPTH) return null
  const { nodeType: type, startIndex: start, endIndex: end, currentFieldName: field } = cursor
  const children: SyntaxNode[] = []
  if (cursor.gotoFirstChild()) {
    do {
      if (!isKept(cursor)) continue
      const child = copyNode(cursor, depth + 1)
      if (child === null) return null
      children.push(child)
    } while (cursor.gotoNextSibling())
    cursor.gotoParent()
  }
  return { type, start, end, field, children }
}

function isKept(cursor: TreeCursor): boolean {
  return cursor.nodeType !== 'comment' && (cursor.nodeIsNamed || cursor.currentFieldName !== null)
}
