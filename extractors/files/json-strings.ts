/** A string in a JSON text, with where it stands. */
export interface JsonString {
  /** Keys and indices from the root. */
  readonly path: readonly (string | number)[]
  readonly value: string
  /** Offset of its opening quote. */
  readonly start: number
}

/** The strings of a valid JSON text that are values, in order. `JSON.parse` tells no places. */
export function* jsonStrings(text: string): Generator<JsonString> {
  const path: (string | number)[] = []
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},]/g
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [symbol] = match
    if (symbol === '{') path.push('')
    else if (symbol === '[') path.push(0)
    else if (symbol === '}' || symbol === ']') path.pop()
    else if (symbol === ',') advance(path)
    else if (isKey(path, text, token.lastIndex)) path[path.length - 1] = String(JSON.parse(symbol))
    else yield { path: [...path], value: String(JSON.parse(symbol)), start: match.index }
  }
}

function advance(path: (string | number)[]): void {
  const last = path.at(-1)
  if (typeof last === 'number') path[path.length - 1] = last + 1
}

function isKey(path: readonly (string | number)[], text: string, end: number): boolean {
  if (typeof path.at(-1) !== 'string') return false
  let at = end
  while (/\s/.test(text[at] ?? '')) at += 1
  return text[at] === ':'
}
