import { posix } from 'node:path'

/** Sources with their local headers in them. */
export interface InlinedSources {
  readonly sources: readonly { readonly path: string; readonly text: string }[]
  /** Every file whose text went in, sorted. */
  readonly used: readonly string[]
}

/**
 * Puts the text of local headers where `#include "..."` names them, each once per language: C++ sources, and CUDA sources, are each
 * compiled as one file. Headers that the repository does not hold are left to the compiler.
 */
export function inlineHeaders(files: ReadonlyMap<string, string>, sources: readonly string[]): InlinedSources {
  const used = new Set<string>()
  const includedBy = new Map<string, Set<string>>()
  const expand = (path: string, seen: Set<string>): string => {
    used.add(path)
    const text = (files.get(path) ?? '').replaceAll(/^[ \t]*#[ \t]*pragma[ \t]+once[ \t]*\r?\n/gm, '')
    return text.replaceAll(INCLUDE, (line: string, name: string) => {
      const header = headerPath(files, path, name)
      if (header === null) return line
      if (seen.has(header)) return ''
      seen.add(header)
      return expand(header, seen).trimEnd()
    })
  }
  const expanded = sources.map((path) => {
    const language = path.endsWith('.cu') ? 'cuda' : 'cpp'
    const seen = includedBy.get(language) ?? new Set()
    includedBy.set(language, seen)
    return { path, text: expand(path, seen) }
  })
  return { sources: expanded, used: [...used].toSorted((a, b) => (a < b ? -1 : 1)) }
}

const INCLUDE = /^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"[ \t]*(?:\/\/.*)?$/gm

// Beside the file that includes it, or below one of the folders above, as build files add them to the search path.
function headerPath(files: ReadonlyMap<string, string>, from: string, name: string): string | null {
  for (let folder = posix.dirname(from); ; folder = posix.dirname(folder)) {
    for (const place of [folder, posix.join(folder, 'include')]) {
      const path = posix.normalize(posix.join(place, name))
      if (files.has(path)) return path
    }
    if (folder === '.' || folder === '/') return null
  }
}
