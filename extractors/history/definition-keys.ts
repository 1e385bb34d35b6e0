import { sha256 } from '../../pipelines/core/hash.ts'
import { normalizeSource } from '../../pipelines/core/source-text.ts'
import { indexModule } from '../python/modules.ts'
import { parsePython } from '../python/syntax.ts'
import type { SourcePiece } from '../types.ts'

/** The top-level definitions of a Python file: name to a checksum of their text without comments and spacing. */
export type DefinitionKeys = ReadonlyMap<string, string>

/** The definitions of a file; empty where it is no readable Python. */
export async function definitionKeys(path: string, text: string): Promise<DefinitionKeys> {
  const { file } = await parsePython(path, text)
  const keys = new Map<string, string>()
  if (file === null) return keys
  for (const [name, statements] of indexModule(file, '').definitions) {
    const texts = statements.map(({ node }) => normalizeSource(text.slice(node.start, node.end), 'python'))
    keys.set(name, sha256(texts.join('\n')))
  }
  return keys
}

/** The names of the definitions that pieces of a file stand in. */
export async function definedIn(path: string, text: string, pieces: readonly SourcePiece[]): Promise<string[]> {
  const { file } = await parsePython(path, text)
  if (file === null) return []
  const spans = pieces.filter((piece) => piece.path === path)
  const names = [...indexModule(file, '').definitions].flatMap(([name, statements]) => {
    const isUsed = statements.some(({ node }) => {
      const [first, last] = [file.lineOf(node.start), file.lineOf(Math.max(node.start, node.end - 1))]
      return spans.some(({ startLine, endLine }) => startLine <= last && first <= endLine)
    })
    return isUsed ? [name] : []
  })
  return names.toSorted()
}
