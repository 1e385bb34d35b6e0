import type { CollectClosure } from '../python/closure.ts'
import type { ClosureUnit, FixedName } from '../python/linked-statements.ts'
import { orderUnits } from '../python/definition-order.ts'
import { linksOf } from '../python/links.ts'
import type { Link, Piece, Problem } from '../python/links.ts'
import { allocateNames } from '../python/name-allocation.ts'
import type { AllocatedNames } from '../python/name-allocation.ts'
import type { PythonProject } from '../python/project.ts'
import { renderPiece, renderUnit } from '../python/rendering.ts'
import type { Edit } from '../python/rendering.ts'
import { isStandardModule } from '../python/standard-library.ts'
import type { SourcePiece } from '../types.ts'
import { copyrightLines } from './copyright-lines.ts'
import { refusalRank } from './refusals.ts'
import type { Code } from './test-code.ts'

/** Code of a test with the changes that make it fit where it is put. */
export interface PlacedCode {
  readonly code: Code
  readonly edits: readonly Edit[]
  /** The variable it is assigned to, for a bound expression. */
  readonly assignTo: string | null
}

/** One of the two files of a pair, before its text is made. */
export interface ProgramFile {
  readonly project: PythonProject
  readonly collect: CollectClosure
  readonly codes: readonly PlacedCode[]
  /** Expressions of other modules that stand for variables, by the text that marks their places. */
  readonly symbols: ReadonlyMap<string, Piece>
  /** Names that definitions go by because the file defines them in its own way. */
  readonly fixedName: FixedName
  /** Names that definitions must keep away from. */
  readonly reserved: ReadonlySet<string>
}

/** A file's definitions and a way to write code of the test under their names. */
export interface ProgramText {
  /** Imports and definitions. */
  readonly head: string
  /** The length of the imports alone. */
  readonly importsEnd: number
  readonly units: readonly ClosureUnit[]
  readonly links: readonly Link[]
  readonly pieces: readonly SourcePiece[]
  readonly requires: readonly string[]
  /** What it takes from a kernel language besides arithmetic; null where it takes nothing. */
  readonly kernelCode: string | null
  render(placed: PlacedCode): string
}

/** Cuts out what a file needs and names it, or says what is in the way. */
export function programText(file: ProgramFile): ProgramText | Problem {
  const { project, collect, codes, symbols } = file
  const placed = codes.map(({ code, edits }) => toPiece(code, edits))
  const pieces = [...placed, ...symbols.values()]
  const closure = collect(pieces)
  if (closure.problems.length > 0) return worst(closure.problems)
  const order = orderUnits(closure.units)
  if (order.problem !== null) return order.problem
  const links = pieces.flatMap((piece) => linksOf(project, piece))
  const needs = new Set(order.ordered.flatMap((unit) => unit.rewrites.map((rewrite) => rewrite.needs)))
  const reserved = new Set([...file.reserved, ...(needs.has('load_inline') ? ['load_inline'] : [])])
  const allLinks = [...links, ...order.ordered.flatMap((unit) => [...unit.links, ...unit.rewriteLinks])]
  const names = allocateNames(order.ordered, links, reserved, file.fixedName)
  const marks = [...symbols].map(([mark, piece]) => [mark, renderPiece(project, piece, names, [])] as const)
  const imports = importsText(order.ordered, names, needs)
  return {
    head: headText(project, imports, order.ordered, names),
    importsEnd: imports.length,
    units: order.ordered,
    links,
    pieces: sourcePieces(order.ordered, codes, project.files),
    requires: requiredModules(allLinks),
    kernelCode: kernelCode(allLinks),
    render: ({ code, edits, assignTo }) => {
      const text = dedent(renderPiece(project, toPiece(code, edits), names, edits), columnOf(code))
      const filled = marks.reduce((result, [mark, value]) => result.replaceAll(mark, () => value), text)
      return assignTo === null ? filled : `${assignTo} = ${filled}`
    },
  }
}

// Of several problems the one that was met last in understanding the code.
function worst(problems: readonly Problem[]): Problem {
  return problems.reduce((a, b) => (refusalRank(b.reason) > refusalRank(a.reason) ? b : a))
}

function toPiece({ frame, node }: Code, edits: readonly Edit[]): Piece {
  return { module: frame.module, node, isLocal: (name) => frame.locals.has(name), skip: edits }
}

function importsText(units: readonly ClosureUnit[], names: AllocatedNames, needs: ReadonlySet<string | null>): string {
  const notices = copyrightLines(units.map(({ module }) => module))
  const future = units.some(({ module }) => module.hasLazyAnnotations) ? ['from __future__ import annotations'] : []
  const always = ['import torch', ...(needs.has('triton') ? ['import triton'] : [])]
  const imports = [
    ...always.filter((line) => !names.importLines.includes(line)),
    ...names.importLines,
    ...(needs.has('load_inline') ? ['from torch.utils.cpp_extension import load_inline'] : []),
  ]
  return [notices.join('\n'), future.join('\n'), imports.join('\n')].filter((block) => block !== '').join('\n\n')
}

function headText(project: PythonProject, top: string, units: readonly ClosureUnit[], names: AllocatedNames): string {
  const definitions = units.map((unit) => renderUnit(project, unit, names).trimEnd())
  if (units.length === 0) return top
  return `${top}${units[0]?.statement.kind === 'definition' ? '\n\n\n' : '\n\n'}${joinDefinitions(units, definitions)}`
}

// Two blank lines around functions and classes; other statements as far apart as in their own file.
function joinDefinitions(units: readonly ClosureUnit[], texts: readonly string[]): string {
  return texts
    .map((text, at) => {
      const [unit, before] = [units[at], units[at - 1]]
      if (at === 0 || unit === undefined || before === undefined) return text
      const isDefinition = [unit, before].some(({ statement }) => statement.kind === 'definition')
      const isNext = before.module === unit.module && before.statement.index + 1 === unit.statement.index
      const between = isNext
        ? unit.module.file.text.slice(before.statement.node.end, unit.statement.node.start)
        : '\n\n'
      return `${isDefinition ? '\n\n\n' : /\n\s*\n/.test(between) ? '\n\n' : '\n'}${text}`
    })
    .join('')
}

function sourcePieces(
  units: readonly ClosureUnit[],
  codes: readonly PlacedCode[],
  files: ReadonlyMap<string, string>,
): SourcePiece[] {
  const spans = [
    ...units.map(({ module, statement }) => ({ file: module.file, node: statement.node })),
    ...codes.map(({ code }) => ({ file: code.frame.module.file, node: code.node })),
  ]
  const pieces = spans.map(({ file, node }) => ({
    path: file.path,
    startLine: file.lineOf(node.start),
    endLine: file.lineOf(Math.max(node.start, node.end - 1)),
  }))
  const embedded = units.flatMap(({ rewrites }) => rewrites.flatMap(({ sources }) => sources))
  const whole = embedded.map((path) => {
    const text = files.get(path) ?? ''
    return { path, startLine: 1, endLine: Math.max(1, text.trimEnd().split('\n').length) }
  })
  return mergePieces([...pieces, ...whole])
}

// Overlapping and touching spans of a file as one.
function mergePieces(pieces: readonly SourcePiece[]): SourcePiece[] {
  const sorted = pieces
    .filter(({ path }) => !path.startsWith('<'))
    .toSorted((a, b) =>
      a.path === b.path ? a.startLine - b.startLine || a.endLine - b.endLine : a.path < b.path ? -1 : 1,
    )
  const merged: SourcePiece[] = []
  for (const piece of sorted) {
    const last = merged.at(-1)
    if (last?.path === piece.path && piece.startLine <= last.endLine + 1) {
      merged[merged.length - 1] = { ...last, endLine: Math.max(last.endLine, piece.endLine) }
    } else merged.push(piece)
  }
  return merged
}

/** Top-level modules other than Python's own that links import. */
function requiredModules(links: readonly Link[]): string[] {
  const names = links.flatMap((link) => {
    if (link.to === 'external') return [link.dotted[0] ?? '']
    if (link.to !== 'import' || link.isGuarded) return []
    return link.bindings.flatMap(({ meaning }) => (meaning.kind === 'external' ? [meaning.dotted[0] ?? ''] : []))
  })
  return [...new Set(['torch', ...names.filter((name) => !isStandardModule(name))])].toSorted((a, b) =>
    a < b ? -1 : 1,
  )
}

// `triton.cdiv` and its kin are numbers.
const KERNEL_CODE = /^(?:triton|cutlass|tilelang|cuda)\.(?!cdiv$|next_power_of_2$|__version__)/

function kernelCode(links: readonly Link[]): string | null {
  const names = links.flatMap((link) => {
    if (link.to === 'external') return [link.dotted.join('.')]
    if (link.to !== 'import') return []
    return link.bindings.flatMap(({ meaning }) => (meaning.kind === 'external' ? [meaning.dotted.join('.')] : []))
  })
  return names.find((name) => KERNEL_CODE.test(name)) ?? null
}

function columnOf({ frame, node }: Code): number {
  const { text } = frame.module.file
  return node.start - (text.lastIndexOf('\n', node.start - 1) + 1)
}

// The lines after the first as if the code stood at the left edge.
function dedent(text: string, column: number): string {
  const margin = ' '.repeat(column)
  return text
    .split('\n')
    .map((line, at) => (at > 0 && line.startsWith(margin) ? line.slice(column) : line))
    .join('\n')
}
