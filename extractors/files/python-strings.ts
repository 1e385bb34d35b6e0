import { lineTable } from '../languages/line-table.ts'
import { parseSyntax } from '../languages/syntax-tree.ts'
import type { SyntaxNode } from '../languages/syntax-tree.ts'
import { joinPieces } from './string-text.ts'
import type { StringPiece, StringText } from './string-text.ts'

/** Stands for what an f-string fills in when it runs: a character that no program holds. */
export const HOLE = '\ue000'

/** The string values of a Python program that have several lines, neighbours joined as Python joins them; none where it cannot be parsed. */
export async function pythonStrings(text: string): Promise<StringText[]> {
  const { root } = await parseSyntax('python', text)
  if (root === null) return []
  const lineOf = lineTable(text)
  return stringNodes(root)
    .map((node) => joinPieces(piecesBelow(text, node), lineOf))
    .filter(({ lines }) => lines.length > 1)
}

function stringNodes(node: SyntaxNode): SyntaxNode[] {
  if (node.type === 'string' || node.type === 'concatenated_string') return [node]
  return node.children.flatMap(stringNodes)
}

function piecesBelow(text: string, node: SyntaxNode): StringPiece[] {
  if (node.type === 'string_content') return contentPieces(text, node)
  if (node.type === 'interpolation') return [{ at: node.start, value: HOLE, isVerbatim: false }]
  return node.children.flatMap((child) => piecesBelow(text, child))
}

// Between the escapes that the grammar names, which are none in a raw string, text means itself.
function contentPieces(text: string, node: SyntaxNode): StringPiece[] {
  const pieces: StringPiece[] = []
  let at = node.start
  for (const escape of node.children) {
    pieces.push({ at, value: text.slice(at, escape.start), isVerbatim: true })
    pieces.push({ at: escape.start, value: meaning(text.slice(escape.start, escape.end)), isVerbatim: false })
    at = escape.end
  }
  return [...pieces, { at, value: text.slice(at, node.end), isVerbatim: true }]
}

// Escapes by number stand for characters that device code spells out; they stay as written.
function meaning(escape: string): string {
  return ESCAPES[escape] ?? (/^\\\r?\n$/.test(escape) ? '' : escape)
}

const ESCAPES: Record<string, string> = {
  '\\n': '\n',
  '\\t': '\t',
  '\\r': '\r',
  '\\\\': '\\',
  '\\"': '"',
  "\\'": "'",
  '{{': '{',
  '}}': '}',
}
