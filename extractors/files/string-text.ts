/** The value of a string in a program. */
export interface StringText {
  readonly text: string
  /** The line of the program that each line of the value begins on, from 1. */
  readonly lines: readonly number[]
}

/** A stretch of a string's value. */
export interface StringPiece {
  /** Offset in the program. */
  readonly at: number
  readonly value: string
  /** Whether the program spells the value as it is. */
  readonly isVerbatim: boolean
}

/** Puts the pieces of a value together and keeps, for each of its lines, where the first text of the line comes from. */
export function joinPieces(pieces: readonly StringPiece[], lineOf: (offset: number) => number): StringText {
  const lines = [lineOf(pieces[0]?.at ?? 0)]
  let isEmpty = true
  for (const { at, value, isVerbatim } of pieces) {
    let offset = 0
    for (const [index, segment] of value.split('\n').entries()) {
      const line = lineOf(isVerbatim ? at + offset : at)
      if (index > 0) lines.push(line)
      else if (isEmpty && segment !== '') lines[lines.length - 1] = line
      isEmpty = segment === '' && (index > 0 || isEmpty)
      offset += segment.length + 1
    }
  }
  return { text: pieces.map(({ value }) => value).join(''), lines }
}
