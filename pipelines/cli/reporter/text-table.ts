import Table from 'cli-table3'
import { stripVTControlCharacters } from 'node:util'

/** Alignment of a column. */
export type Alignment = 'left' | 'right'

/**
 * A table that fits the terminal: the last column is wrapped where the others leave no room, and where they leave none at all every
 * cell has a line of its own. Plain lines, so that it can be copied into a mail.
 */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  alignments: readonly Alignment[] = [],
  width = terminalWidth(),
): string {
  const widths = columnWidths([head, ...rows], width)
  if (tableWidth(widths) > width) return renderBlocks(head, rows, width)
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, index) => alignments[index] ?? 'left'),
    colWidths: widths.map((column) => column + 2),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: NO_BORDER,
  })
  // Cells of one line each: cli-table3 looks through a whole cell for each of its lines.
  table.push(...rows.flatMap((row) => linesOf(row.map((cell, index) => wrapText(cell, widths[index] ?? 12)))))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

function tableWidth(widths: readonly number[]): number {
  return widths.reduce((sum, column) => sum + column + 2, -2)
}

function renderBlocks(head: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const block = (row: readonly string[]): string =>
    row
      .flatMap((cell, index) => (cell === '' ? [] : [head[index] === '' ? cell : `${head[index]}: ${cell}`]))
      .map((line) => wrapText(line, width))
      .join('\n')
  return rows.map(block).join('\n\n')
}

function linesOf(row: readonly string[]): string[][] {
  const cells = row.map((cell) => cell.split('\n'))
  const height = Math.max(...cells.map((lines) => lines.length))
  return Array.from({ length: height }, (_, line) => cells.map((lines) => lines[line] ?? ''))
}

/** Text in lines of at most `width` columns; what is wrapped keeps its indentation, and a word that is longer is cut in two. */
export function wrapText(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => (visibleLength(line) <= width ? [line] : wrapLine(line, width)))
    .join('\n')
}

function wrapLine(line: string, width: number): string[] {
  const indent = line.slice(0, line.length - line.trimStart().length)
  const room = Math.max(1, width - indent.length)
  const pieces = line
    .trim()
    .split(/ +/)
    .flatMap((word) => (visibleLength(word) <= room ? [word] : (word.match(new RegExp(`.{1,${room}}`, 'gu')) ?? [])))
  const lines: string[] = []
  for (const piece of pieces) {
    const last = lines.at(-1)
    if (last === undefined || visibleLength(last) + 1 + visibleLength(piece) > room) lines.push(piece)
    else lines[lines.length - 1] = `${last} ${piece}`
  }
  return lines.map((wrapped) => indent + wrapped)
}

/** Columns of the terminal, or 120 where there is none. */
export function terminalWidth(): number {
  return process.stdout.columns ?? 120
}

// Below it a column is no text any more.
const NARROWEST = 12

function columnWidths(rows: readonly (readonly string[])[], width: number): number[] {
  const count = Math.max(...rows.map((row) => row.length))
  const wanted = Array.from({ length: count }, (_, index) =>
    Math.max(1, ...rows.map((row) => visibleLength(row[index]))),
  )
  const others = wanted.slice(0, -1).reduce((sum, column) => sum + column + 2, 0)
  const last = wanted.at(-1) ?? 1
  return [...wanted.slice(0, -1), Math.min(last, Math.max(NARROWEST, width - others - 2))]
}

/** Columns that a text takes: those of its longest line, without colours. */
export function visibleLength(cell: string | undefined): number {
  const lines = stripVTControlCharacters(cell ?? '').split('\n')
  return Math.max(...lines.map((line) => line.length))
}

const NO_BORDER = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '',
  bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '',
} // prettier-ignore
