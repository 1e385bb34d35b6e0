import { matchingBracket } from './c-text.ts'

/** The head of a function as tokens show it: where its name, its parameters and its body begin. */
export interface FunctionHead {
  readonly name: string
  readonly nameStart: number
  readonly parametersStart: number
  readonly parametersEnd: number
  /** The `{` of the body, or null for a declaration. */
  readonly bodyStart: number | null
}

/** A function with its body. */
export interface FunctionBody {
  readonly name: string
  readonly start: number
  readonly bodyStart: number
  readonly bodyEnd: number
}

/**
 * Reads a function's head from blanked code, starting anywhere before its name. Bracket groups that are attributes or
 * belong to the return type are passed over: the parameter list is the group that a body or a `;` follows.
 */
export function readFunctionHead(code: string, from: number, limit: number): FunctionHead | null {
  for (let at = from; at < limit; at += 1) {
    const character = code[at]
    if (character === '{' || character === '}' || character === ';') return null
    if (character !== '(') continue
    const close = matchingBracket(code, at)
    if (close === null || close >= limit) return null
    const next = followingToken(code, close + 1)
    const name = nameBefore(code, at)
    if (name !== null && (next.token === '{' || next.token === ';')) {
      const bodyStart = next.token === '{' ? next.at : null
      return { ...name, parametersStart: at, parametersEnd: close + 1, bodyStart }
    }
    at = close
  }
  return null
}

/** All functions with a body at file, namespace or class level. */
export function findFunctions(code: string): FunctionBody[] {
  const functions: FunctionBody[] = []
  let headStart = 0
  for (let at = 0; at < code.length; at += 1) {
    const character = code[at]
    if (character === ';' || character === '}') headStart = at + 1
    if (character !== '{') continue
    const head = readFunctionHead(code, headStart, at + 1)
    const close = matchingBracket(code, at) ?? code.length
    if (head?.bodyStart === at) {
      functions.push({ name: head.name, start: firstCode(code, headStart), bodyStart: at, bodyEnd: close + 1 })
      at = close
    } else if (!SCOPE.test(code.slice(headStart, at))) {
      at = close
    }
    headStart = at + 1
  }
  return functions
}

/** The function around an offset, or null. */
export function functionAround(functions: readonly FunctionBody[], offset: number): FunctionBody | null {
  return functions.find(({ start, bodyEnd }) => start <= offset && offset < bodyEnd) ?? null
}

/** The first character at or after `from` that is no white space. */
export function firstCode(code: string, from: number): number {
  let at = from
  while (at < code.length && /\s/.test(code[at] ?? '')) at += 1
  return at
}

// What may open a brace whose inside still holds definitions. The string of `extern "C"` is blanked.
const SCOPE = /\b(?:namespace|class|struct|union)\b|\bextern\s*$/

const QUALIFIER = /\b(?:const|noexcept|override|final|volatile|try)\b|&&?|->[^;{}()]*/y

function followingToken(code: string, from: number): { token: string; at: number } {
  let at = firstCode(code, from)
  for (;;) {
    QUALIFIER.lastIndex = at
    const match = QUALIFIER.exec(code)
    if (match === null) return { token: code[at] ?? '', at }
    at = firstCode(code, at + match[0].length)
  }
}

// The identifier before an opening bracket; template arguments of a specialisation, or the brackets of a macro that makes
// the name, are part of how it is written.
function nameBefore(code: string, open: number): { name: string; nameStart: number } | null {
  let end = open
  while (end > 0 && /\s/.test(code[end - 1] ?? '')) end -= 1
  let start = end
  if (code[start - 1] === '>') start = openingAngle(code, start - 1)
  if (code[start - 1] === ')') start = openingParenthesis(code, start - 1)
  while (start > 0 && /[\w~:]/.test(code[start - 1] ?? '')) start -= 1
  const name = code.slice(start, end).replaceAll(/\s+/g, ' ')
  return /^[A-Za-z_~:]/.test(name) && !NOT_NAMES.test(name)
    ? { name: name.replace(/<.*>$/, ''), nameStart: start }
    : null
}

const NOT_NAMES =
  /^(?:if|for|while|switch|return|sizeof|decltype|alignas|__attribute__|__launch_bounds__|__declspec|__align__|requires)$/

function openingAngle(code: string, close: number): number {
  let depth = 0
  for (let at = close; at >= 0 && close - at < 400; at -= 1) {
    if (code[at] === '>') depth += 1
    else if (code[at] === '<' && (depth -= 1) === 0) return at
  }
  return close
}

function openingParenthesis(code: string, close: number): number {
  let depth = 0
  for (let at = close; at >= 0 && close - at < 400; at -= 1) {
    if (code[at] === ')') depth += 1
    else if (code[at] === '(' && (depth -= 1) === 0) return at
  }
  return close
}
