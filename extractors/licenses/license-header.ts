import { normalizeExpression } from './license-expression.ts'
import { identifyNotice, licenseNamed } from './license-notices.ts'

/** What the top of a file says about its licence. */
export interface HeaderLicense {
  /** SPDX expression; null where the file names a licence that is no valid expression. */
  readonly license: string | null
}

// Enough for the longest licences that stand on top of files, and a bound on the work for a file that is all comment.
const MAX_HEADER_CHARACTERS = 8000

/**
 * The licence that a file's own header names, or null where it names none. Its tags count first, all of them; then the texts of
 * well-known licences and their standard notices in the first comment or docstring.
 */
export function licenseInHeader(text: string): HeaderLicense | null {
  const top = text.slice(0, MAX_HEADER_CHARACTERS)
  const tags = [...top.matchAll(/SPDX-License-Identifier:[ \t]*([^\n\r]+)/g)].map(([, value = '']) => tagValue(value))
  if (tags.length > 0) return { license: joined(tags.map((tag) => normalizeExpression(tag) ?? licenseNamed(tag))) }
  const found = identifyNotice(headerComment(top))
  return found.length === 0 ? null : { license: joined(found) }
}

function joined(licenses: readonly (string | null)[]): string | null {
  const known = licenses.filter((license) => license !== null)
  if (known.length < licenses.length) return null
  return normalizeExpression([...new Set(known)].map((license) => `(${license})`).join(' AND '))
}

// The tag's line may go on with the end of a comment.
function tagValue(value: string): string {
  return value
    .replace(/(?:\*\/|-->|"""|'''|#\}|\*\)).*$/, '')
    .replace(/["'\s]+$/, '')
    .trim()
}

// Comment marks of Python, C, shell and their kin removed; ends at the first line of code.
function headerComment(top: string): string {
  const lines: string[] = []
  let closing: string | null = null
  for (const line of top.split('\n')) {
    const trimmed = line.trim()
    if (closing !== null) {
      lines.push(trimmed.replace(/^\*+/, ''))
      if (trimmed.includes(closing)) closing = null
      continue
    }
    const opening = /^[rRuU]?("""|'''|\/\*|<!--|\{#)/.exec(trimmed)?.[1]
    if (opening !== undefined) {
      const end = CLOSINGS[opening] ?? opening
      lines.push(trimmed)
      if (!trimmed.slice(trimmed.indexOf(opening) + opening.length).includes(end)) closing = end
    } else if (/^(?:#(?!include|define|pragma|if|ifndef|ifdef)|\/\/|;|--|%|$)/.test(trimmed)) {
      lines.push(trimmed.replace(/^[#/;%-]+/, ''))
    } else break
  }
  return lines.join('\n')
}

const CLOSINGS: Record<string, string> = { '/*': '*/', '<!--': '-->', '{#': '#}' }
