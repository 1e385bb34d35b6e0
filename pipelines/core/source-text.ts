/**
 * Source text without what means nothing to its compiler: comments, blank lines, spacing, and for Python the width of an
 * indentation step. Two texts with the same result are exact duplicates. `language` is a kernel language id: those that live
 * inside Python are read as Python, every other one as C++. Never throws: text that is no valid program is reduced as far as
 * its tokens go, in time linear in its length.
 */
export function normalizeSource(text: string, language: string): string {
  return normalize(text, language, false)
}

/** The same without documentation strings: what is left is what the program does, in nobody's prose. */
export function normalizeCode(text: string, language: string): string {
  return normalize(text, language, true)
}

function normalize(text: string, language: string, isCodeAlone: boolean): string {
  const unified = text.replaceAll(/\r\n?/g, '\n')
  return PYTHON_LANGUAGES.has(language) ? normalizePython(unified, isCodeAlone) : normalizeCpp(unified)
}

const PYTHON_LANGUAGES = new Set(['python', 'triton', 'gluon', 'cute-dsl', 'cutile', 'tilelang'])

function normalizePython(text: string, isCodeAlone: boolean): string {
  const lines: string[] = []
  const indents = [0]
  let tokens: string[] = []
  let depth = 0
  let position = 0
  let indent = indentWidth(text, 0)

  function endLine(): void {
    const isNothing = tokens.length === 0 || (isCodeAlone && tokens.every((token) => LONE_STRING.test(token)))
    if (!isNothing) lines.push(' '.repeat(indentLevel(indents, indent)) + tokens.join(' '))
    tokens = []
  }
  while (position < text.length) {
    const { token, end } = nextToken(text, position, PYTHON)
    position = end
    if (token === '\n') {
      if (depth > 0) continue
      endLine()
      indent = indentWidth(text, position)
    } else if (token !== '') {
      tokens.push(token)
      if ('([{'.includes(token)) depth += 1
      if (')]}'.includes(token)) depth = Math.max(0, depth - 1)
    }
  }
  endLine()
  return lines.join('\n')
}

// A statement that is a string: the documentation of a module, class or function, or a comment in its stead.
const LONE_STRING = /^[rRuU]?["']/

// A directive ends with its line; nothing else of C++ does.
function normalizeCpp(text: string): string {
  const lines: string[] = []
  let tokens: string[] = []
  let isDirective = false
  let isLineStart = true
  let position = 0

  function endLine(): void {
    if (tokens.length > 0) lines.push(tokens.join(' '))
    tokens = []
    isDirective = false
  }
  while (position < text.length) {
    const { token, end } = nextToken(text, position, CPP)
    position = end
    if (token === '\n') {
      if (isDirective) endLine()
      isLineStart = true
    } else if (token !== '') {
      if (token === '#' && isLineStart) {
        endLine()
        isDirective = true
      }
      tokens.push(token)
      isLineStart = false
    }
  }
  endLine()
  return lines.join('\n')
}

interface Lexer {
  /** Where the comment that begins at `position` ends, or null. */
  readonly comment: (text: string, position: number) => number | null
  /** Where the string literal that begins at `position` ends, or null. */
  readonly string: (text: string, position: number) => number | null
  readonly number: RegExp
  /** Operators of more than one character; every other character is a token of its own. */
  readonly operator: RegExp
}

// The token is empty for space and comments.
function nextToken(text: string, position: number, lexer: Lexer): { token: string; end: number } {
  const character = text.charAt(position)
  if (character === '\n') return { token: '\n', end: position + 1 }
  if (SPACE.test(character)) return { token: '', end: position + 1 }
  if (text.startsWith('\\\n', position)) return { token: '', end: position + 2 }
  const afterComment = lexer.comment(text, position)
  if (afterComment !== null) return { token: '', end: afterComment }
  const end =
    lexer.string(text, position) ??
    matchEnd(WORD, text, position) ??
    matchEnd(lexer.number, text, position) ??
    matchEnd(lexer.operator, text, position) ??
    position + 1
  return { token: text.slice(position, end), end }
}

const SPACE = /\s/
const WORD = /[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*/y

const CPP_RAW_STRING = /(?:u8|[uUL])?R"([^()\\\s]{0,16})\(/y
const CPP_QUOTE = /(?:u8|[uUL])?(["'])/y

const CPP: Lexer = {
  comment(text, position) {
    if (text.startsWith('/*', position)) return endOf(text, '*/', position + 2)
    if (!text.startsWith('//', position)) return null
    let end = endOfLine(text, position)
    while (end < text.length && text.charAt(end - 1) === '\\') end = endOfLine(text, end + 1)
    return end
  },
  string(text, position) {
    const raw = matchOf(CPP_RAW_STRING, text, position)
    if (raw !== null) return endOf(text, `)${raw[1] ?? ''}"`, position + raw[0].length)
    return quotedEnd(text, position, matchOf(CPP_QUOTE, text, position))
  },
  number: /\.?[0-9](?:'?[\w.])*/y,
  // `>>` is left as two tokens, since it also closes two template lists.
  operator: /<<<|<=>|->\*|\.\.\.|<<=|::|->|\+\+|--|&&|\|\||##|[-+*/%&|^=!<>]=|<</y,
}

const PYTHON_QUOTE = /[bBfFrRtTuU]{0,2}("""|'''|"|')/y

const PYTHON: Lexer = {
  comment: (text, position) => (text.charAt(position) === '#' ? endOfLine(text, position) : null),
  string: (text, position) => quotedEnd(text, position, matchOf(PYTHON_QUOTE, text, position)),
  number: /\.?[0-9][\w.]*/y,
  operator: /\*\*=|\/\/=|>>=|<<=|\.\.\.|!=|==|<=|>=|->|:=|[-+*/%&|^@]=|\*\*|\/\/|<<|>>/y,
}

// A quote that is never closed ends with its line, as in both languages; a triple one with the text.
function quotedEnd(text: string, start: number, opening: RegExpExecArray | null): number | null {
  if (opening === null) return null
  const quote = opening[1] ?? ''
  let position = start + opening[0].length
  while (position < text.length) {
    if (text.startsWith(quote, position)) return position + quote.length
    const character = text.charAt(position)
    if (character === '\n' && quote.length === 1) return position
    position += character === '\\' ? 2 : 1
  }
  return text.length
}

function indentLevel(indents: number[], width: number): number {
  while (indents.length > 1 && width < (indents.at(-1) ?? 0)) indents.pop()
  if (width > (indents.at(-1) ?? 0)) indents.push(width)
  return indents.length - 1
}

// Tabs go to the next multiple of eight: https://docs.python.org/3/reference/lexical_analysis.html#indentation
function indentWidth(text: string, start: number): number {
  let width = 0
  for (let position = start; ; position += 1) {
    const character = text.charAt(position)
    if (character === ' ') width += 1
    else if (character === '\t') width = (Math.floor(width / 8) + 1) * 8
    else return width
  }
}

function matchOf(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position
  return pattern.exec(text)
}

function matchEnd(pattern: RegExp, text: string, position: number): number | null {
  const match = matchOf(pattern, text, position)
  return match === null ? null : position + match[0].length
}

function endOfLine(text: string, from: number): number {
  const index = text.indexOf('\n', from)
  return index === -1 ? text.length : index
}

function endOf(text: string, search: string, from: number): number {
  const index = text.indexOf(search, from)
  return index === -1 ? text.length : index + search.length
}
