/** C-like text with everything a token search must not see replaced by spaces; offsets stay as they were. */
export interface BlankedText {
  /** Comments, string and character literals and preprocessor lines blanked. */
  readonly code: string
  /** The same, with all but the first branch of every `#if` blanked too: its braces and parentheses balance. */
  readonly singleBranch: string
  readonly directives: readonly Directive[]
}

/** A preprocessor line with its continuation lines. */
export interface Directive {
  /** `define`, `include`, `if`, ... */
  readonly name: string
  readonly start: number
  readonly end: number
  /** What follows the name, comments and strings as written. */
  readonly argument: string
}

/** Blanks C, C++ or CUDA text. */
export function blankText(text: string): BlankedText {
  const withoutLiterals = blankLiterals(text)
  const directives = findDirectives(text, withoutLiterals)
  const code = blankSpans(withoutLiterals, directives)
  return { code, singleBranch: blankSpans(code, laterBranches(directives, text.length)), directives }
}

/** The offset of the bracket that closes the one at `open`, or null. */
export function matchingBracket(code: string, open: number): number | null {
  const opener = code[open] ?? ''
  const closer = CLOSERS[opener]
  if (closer === undefined) return null
  let depth = 0
  for (let at = open; at < code.length; at += 1) {
    if (code[at] === opener) depth += 1
    else if (code[at] === closer && (depth -= 1) === 0) return at
  }
  return null
}

const CLOSERS: Record<string, string> = { '(': ')', '{': '}', '[': ']' }

type Literal = { readonly end: number } | null

function blankLiterals(text: string): string {
  const pieces: string[] = []
  let copied = 0
  for (let at = 0; at < text.length; at += 1) {
    const literal = literalAt(text, at)
    if (literal === null) continue
    pieces.push(text.slice(copied, at), blank(text.slice(at, literal.end)))
    copied = literal.end
    at = literal.end - 1
  }
  pieces.push(text.slice(copied))
  return pieces.join('')
}

function literalAt(text: string, at: number): Literal {
  const character = text[at]
  if (character === '/') return commentAt(text, at)
  if (character === '"') return text[at - 1] === 'R' ? rawStringAt(text, at) : quotedAt(text, at)
  // A quote after a digit or letter separates digits: 1'000'000.
  if (character === "'") return /\w/.test(text[at - 1] ?? '') ? null : quotedAt(text, at)
  return null
}

function commentAt(text: string, at: number): Literal {
  if (text[at + 1] === '*') {
    const end = text.indexOf('*/', at + 2)
    return { end: end === -1 ? text.length : end + 2 }
  }
  return text[at + 1] === '/' ? { end: lineEnd(text, at) } : null
}

function rawStringAt(text: string, at: number): Literal {
  const open = text.indexOf('(', at)
  if (open === -1 || open - at > 17) return quotedAt(text, at)
  const closing = `)${text.slice(at + 1, open)}"`
  const end = text.indexOf(closing, open)
  return { end: end === -1 ? text.length : end + closing.length }
}

function quotedAt(text: string, at: number): Literal {
  const quote = text[at]
  for (let end = at + 1; end < text.length; end += 1) {
    if (text[end] === '\\') end += 1
    else if (text[end] === quote) return { end: end + 1 }
    else if (text[end] === '\n') return { end }
  }
  return { end: text.length }
}

// The end of a line, past lines that a backslash continues.
function lineEnd(text: string, at: number): number {
  let end = text.indexOf('\n', at)
  while (end !== -1 && /\\\r?$/.test(text.slice(Math.max(0, end - 2), end))) end = text.indexOf('\n', end + 1)
  return end === -1 ? text.length : end
}

function findDirectives(text: string, code: string): Directive[] {
  const directives: Directive[] = []
  for (const match of code.matchAll(/^[ \t]*#[ \t]*([a-z_]+)/gm)) {
    const start = match.index
    const end = lineEnd(text, start)
    directives.push({ name: match[1] ?? '', start, end, argument: text.slice(start + match[0].length, end).trim() })
  }
  return directives
}

function laterBranches(directives: readonly Directive[], length: number): { start: number; end: number }[] {
  const spans: { start: number; end: number }[] = []
  const open: (number | null)[] = []
  for (const { name, start, end } of directives) {
    if (name.startsWith('if')) open.push(null)
    else if (name.startsWith('el')) {
      if (open.length > 0) open[open.length - 1] = open.at(-1) ?? end
    } else if (name === 'endif') {
      const from = open.pop() ?? null
      if (from !== null) spans.push({ start: from, end: start })
    }
  }
  for (const from of open) if (from !== null) spans.push({ start: from, end: length })
  return spans
}

function blankSpans(text: string, spans: readonly { start: number; end: number }[]): string {
  const sorted = spans.toSorted((a, b) => a.start - b.start)
  const pieces: string[] = []
  let copied = 0
  for (const { start, end } of sorted) {
    if (end <= copied) continue
    const from = Math.max(start, copied)
    pieces.push(text.slice(copied, from), blank(text.slice(from, end)))
    copied = end
  }
  pieces.push(text.slice(copied))
  return pieces.join('')
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ')
}
