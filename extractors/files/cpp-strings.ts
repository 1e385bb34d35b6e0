import { lineTable } from '../languages/line-table.ts'
import { joinPieces } from './string-text.ts'
import type { StringText } from './string-text.ts'

/** The raw strings of a C++ program: what a kernel that is compiled when the program runs is written in. */
export function cppStrings(text: string): StringText[] {
  const lineOf = lineTable(text)
  const strings: StringText[] = []
  const token = new RegExp(TOKEN, 'g')
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const delimiter = match.groups?.['delimiter']
    if (delimiter === undefined) continue
    const start = token.lastIndex
    const end = text.indexOf(`)${delimiter}"`, start)
    if (end === -1) continue
    strings.push(joinPieces([{ at: start, value: text.slice(start, end), isVerbatim: true }], lineOf))
    token.lastIndex = end
  }
  return strings
}

// Comments and other literals are passed over whole: a raw string opens outside of them. A delimiter has at most 16 characters
// (https://eel.is/c++draft/lex.string); a quote between digits separates them.
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|R"(?<delimiter>[^()\\\s"]{0,16})\(|"(?:[^"\\\n]|\\.)*"|(?<!\w)'(?:[^'\\\n]|\\.){1,4}'/
