import { posix } from 'node:path'
import { blankText } from '../languages/c-text.ts'

/** Sources with their local headers in them. */
export interface InlinedSources {
  readonly sources: readonly { readonly path: string; readonly text: string }[]
  /** Every file whose text went in, sorted. */
  readonly used: readonly string[]
}

/**
 * Puts the text of local headers where `#include "..."` names them, each once per language: C++ sources, and CUDA sources, are each
 * compiled as one file. What one branch of an `#if` includes another may need as well: such headers are guarded by name. Headers that
 * the repository does not hold are left to the compiler.
 */
export function inlineHeaders(files: ReadonlyMap<string, string>, sources: readonly string[]): InlinedSources {
  const used = new Set<string>()
  const branched = new Map<string, number>()
  const includedBy = new Map<string, Set<string>>()
  const expand = (path: string, seen: Set<string>, inBranch: boolean): string => {
    used.add(path)
    const text = (files.get(path) ?? '').replaceAll(/^[ \t]*#[ \t]*pragma[ \t]+once[ \t]*\r?\n/gm, '')
    const isBranch = branchesOf(text)
    return text.replaceAll(INCLUDE, (line: string, name: string, at: number) => {
      const header = headerPath(files, path, name)
      if (header === null) return line
      const times = branched.get(header) ?? 0
      if (seen.has(header) || times >= MAX_BRANCHES) return ''
      const startsBranch = isBranch(at)
      if (inBranch || startsBranch) branched.set(header, times + 1)
      const inner = startsBranch ? new Set(seen) : seen
      inner.add(header)
      const inlined = expand(header, inner, inBranch || startsBranch).trimEnd()
      return branched.has(header) ? guarded(header, inlined) : inlined
    })
  }
  const expanded = sources.map((path) => {
    const language = path.endsWith('.cu') ? 'cuda' : 'cpp'
    const seen = includedBy.get(language) ?? new Set()
    includedBy.set(language, seen)
    return { path, text: expand(path, seen, false) }
  })
  return { sources: expanded, used: [...used].toSorted((a, b) => (a < b ? -1 : 1)) }
}

// Headers that include each other in branches would otherwise double with each of them.
const MAX_BRANCHES = 8

function guarded(path: string, text: string): string {
  const name = `INLINED_${path.replaceAll(/\W+/g, '_')}`
  return `#ifndef ${name}\n#define ${name}\n${text}\n#endif`
}

// `#ifndef` guards headers, or leaves out the build for another vendor: what it holds is there.
function branchesOf(text: string): (offset: number) => boolean {
  if (!/^[ \t]*#[ \t]*include[ \t]*"/m.test(text)) return () => false
  const { directives } = blankText(text)
  return (offset) => {
    const open: boolean[] = []
    for (const { name, start } of directives) {
      if (start >= offset) break
      if (name.startsWith('if')) open.push(name !== 'ifndef')
      else if (name.startsWith('el')) open[open.length - 1] = true
      else if (name === 'endif') open.pop()
    }
    return open.includes(true)
  }
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
