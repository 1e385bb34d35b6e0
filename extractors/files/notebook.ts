import { extname } from 'node:path'
import { z } from 'zod'
import { lineTable } from '../languages/line-table.ts'
import { jsonStrings } from './json-strings.ts'
import type { JsonString } from './json-strings.ts'
import type { TextPart, TextPlace } from './text-parts.ts'

/**
 * The code cells of a Jupyter notebook (https://nbformat.readthedocs.io, version 4): one Python text of all Python cells, since what
 * one imports the others use, and one text for each cell that a magic gives to another compiler. Null for what is no notebook.
 */
export function notebookParts(text: string): TextPart[] | null {
  const cells = codeCells(text)
  if (cells === null) return null
  const python = cells.filter(({ extension }) => extension === '.py').flatMap(({ lines }) => lines)
  const others = cells.filter(({ extension }) => extension !== '.py')
  const parts = python.length === 0 ? [] : [toPart('.py', python)]
  return [...parts, ...others.flatMap(({ extension, lines }) => (extension === null ? [] : [toPart(extension, lines)]))]
}

interface CellLine extends TextPlace {
  readonly text: string
}

interface CodeCell {
  /** Null for a cell that no compiler of ours reads: shell, HTML. */
  readonly extension: string | null
  readonly lines: readonly CellLine[]
}

const Notebook = z.object({ cells: z.array(z.object({ cell_type: z.string() })) })

function codeCells(text: string): CodeCell[] | null {
  const cells = parseNotebook(text)
  if (cells === null) return null
  const lineOf = lineTable(text)
  const sources = Map.groupBy(
    [...jsonStrings(text)].filter(({ path }) => path[0] === 'cells' && path[2] === 'source'),
    ({ path }) => path[1],
  )
  return cells.flatMap(({ cell_type }, cell) => {
    return cell_type === 'code' ? [toCell(cellLines(sources.get(cell) ?? [], cell, lineOf))] : []
  })
}

function parseNotebook(text: string): z.infer<typeof Notebook>['cells'] | null {
  try {
    return Notebook.parse(JSON.parse(text)).cells
  } catch {
    return null
  }
}

// `source` is one string, or a list of lines that keep their ends.
function cellLines(strings: readonly JsonString[], cell: number, lineOf: (offset: number) => number): CellLine[] {
  const lines: CellLine[] = []
  let isOpen = false
  for (const { value, start } of strings) {
    for (const [index, text] of value.split('\n').entries()) {
      const last = lines.at(-1)
      const isRest = index === 0 && isOpen && last !== undefined
      if (isRest) lines.pop()
      const [before, line] = isRest && last.text !== '' ? [last.text, last.line] : ['', lineOf(start)]
      lines.push({ text: before + text, cell, line })
    }
    isOpen = true
  }
  return lines
}

// https://ipython.readthedocs.io/en/stable/interactive/magics.html; `%%cu` and `%%cuda` come with nvcc4jupyter.
function toCell(lines: readonly CellLine[]): CodeCell {
  const magic = /^\s*%%\s*(\w+)\s*(.*)$/.exec(lines[0]?.text ?? '')
  const python = lines.map((line) => (/^\s*[%!]/.test(line.text) ? { ...line, text: '' } : line))
  if (magic === null) return { extension: '.py', lines: python }
  const [, name = '', argument = ''] = magic
  const rest = lines.slice(1)
  if (PYTHON_MAGICS.has(name)) return { extension: '.py', lines: python }
  if (/^cu(?:da)?$/.test(name)) return { extension: '.cu', lines: rest }
  const file = name === 'writefile' ? (argument.trim().split(/\s+/).at(-1) ?? '') : ''
  return { extension: file === '' ? null : extname(file), lines: rest }
}

const PYTHON_MAGICS = new Set(['time', 'timeit', 'capture', 'prun', 'python', 'python3'])

function toPart(extension: string, lines: readonly CellLine[]): TextPart {
  return {
    extension,
    text: lines.map(({ text }) => text).join('\n'),
    kind: 'cells',
    placeOf: (line) => {
      const { line: at, cell } = lines[line - 1] ?? lines.at(-1) ?? { line: 1, cell: null }
      return { line: at, cell }
    },
  }
}
