import { normalizeSource } from '../../pipelines/core/source-text.ts'

/** The lines that went and came between two texts, without comments and spacing. */
export interface CodeDifference {
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

/** Compares two texts line by line, whatever the order of lines that both have. */
export function differenceOf(before: string, after: string, language: string): CodeDifference {
  const [old, new_] = [linesOf(before, language), linesOf(after, language)]
  return { removed: without(old, new_), added: without(new_, old) }
}

/** The comments of the second text that the first does not have, in order. */
export function newComments(before: string, after: string): string[] {
  const known = new Set(commentsOf(before))
  return [...new Set(commentsOf(after))].filter((comment) => !known.has(comment))
}

function linesOf(text: string, language: string): string[] {
  return normalizeSource(text, language)
    .split('\n')
    .map((line) => line.trim())
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1)
  return lines.filter((line) => {
    const count = counts.get(line) ?? 0
    counts.set(line, count - 1)
    return count <= 0
  })
}

// Lines that hold a comment and nothing else: what stands behind code is told from a string only by parsing.
function commentsOf(text: string): string[] {
  const lines = [...text.matchAll(/^[ \t]*(?:#(?![!#])|\/\/)[ \t]*(\S.*?)[ \t]*$/gm)].map(([, comment = '']) => comment)
  return lines.filter((line) => !isMarker(line) && /[A-Za-z]{2}.*\s.*[A-Za-z]{2}/.test(line))
}

// Directives to tools, licence lines and code that was switched off explain nothing.
function isMarker(line: string): boolean {
  return (
    /^(?:noqa|type:|pylint|fmt:|ruff|mypy|isort|pragma|copyright|spdx|licen[cs]ed?\b|todo\b|fixme\b|-\*-)/i.test(
      line,
    ) ||
    /^(?:[\w.[\]]+(?:\s*[-+*/]?=\s|\()|(?:if|for|while|return|import|from|def|class|else|with)\b.*[:()=]|[)\]}])/.test(
      line,
    )
  )
}
