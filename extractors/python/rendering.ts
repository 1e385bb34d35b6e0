import type { ClosureUnit } from './linked-statements.ts'
import { linksOf } from './links.ts'
import type { Link, Piece, Span } from './links.ts'
import type { PythonModule } from './modules.ts'
import type { AllocatedNames } from './name-allocation.ts'
import type { PythonProject } from './project.ts'

/** A replacement of a part of a text. */
export interface Edit extends Span {
  readonly text: string
}

/** The text of a closure's statement under the names it gets in the file that is written. */
export function renderUnit(project: PythonProject, unit: ClosureUnit, names: AllocatedNames): string {
  const { module, statement, links, dropped, rewrites } = unit
  const own = new Map([...statement.binds].map((name) => [name, names.definition(module, name)]))
  const edits = [
    ...links.flatMap((link) => linkEdits(link, module, names, own)),
    ...dropped.map((span) => wholeLines(module, span)),
    ...rewrites.map(({ start, end, text, needs, piece }) => {
      const own = needs === 'load_inline' ? `load_inline(${text})` : text
      return { start, end, text: piece === null ? own : renderPiece(project, piece, names, []) }
    }),
  ]
  return applyEdits(module.file.text, statement.node, edits)
}

/** The text of a piece of a test under those names. `edits` are replacements that were decided before. */
export function renderPiece(
  project: PythonProject,
  piece: Piece,
  names: AllocatedNames,
  edits: readonly Edit[],
): string {
  const links = linksOf(project, { ...piece, skip: [...piece.skip, ...edits] })
  const all = [...links.flatMap((link) => linkEdits(link, piece.module, names, new Map())), ...edits]
  return applyEdits(piece.module.file.text, piece.node, all)
}

/** A part of a text with parts of it replaced; edits inside other edits are dropped. */
export function applyEdits(text: string, { start, end }: Span, edits: readonly Edit[]): string {
  // At one place insertions come first, then the widest replacement.
  const width = ({ start, end }: Edit): number => (start === end ? Infinity : end - start)
  const sorted = edits.toSorted((a, b) => a.start - b.start || width(b) - width(a))
  const pieces: string[] = []
  let at = start
  for (const edit of sorted) {
    if (edit.start < at || edit.end > end) continue
    pieces.push(text.slice(at, edit.start), edit.text)
    at = edit.end
  }
  pieces.push(text.slice(at, end))
  return pieces.join('')
}

function linkEdits(link: Link, module: PythonModule, names: AllocatedNames, own: ReadonlyMap<string, string>): Edit[] {
  if (link.to === 'import') return importEdits(link, names, own)
  if (link.to !== 'definition' && link.to !== 'external') return []
  const text = link.to === 'definition' ? definitionText(link, names) : names.external(link)
  const { start, end } = link.span
  return module.file.text.slice(start, end) === text ? [] : [{ start, end, text }]
}

// `device = library.device` in a function: a fixed name may be one of the function's own.
function definitionText(link: Extract<Link, { to: 'definition' }>, names: AllocatedNames): string {
  const text = names.definition(link.module, link.name)
  const { parts, shadows } = link.reference
  return parts.length > 1 && shadows.has(text) ? `globals()["${text}"]` : text
}

// An import of our own code inside a piece binds its local name to what stands at the top of the file now. Inside a function
// a name that is already right needs no binding; at the top of the file it must be given its own new name.
function importEdits(
  link: Extract<Link, { to: 'import' }>,
  names: AllocatedNames,
  own: ReadonlyMap<string, string>,
): Edit[] {
  const isOurs = link.bindings.some(({ meaning }) => meaning.kind === 'definition')
  const isRenamed = link.bindings.some(({ imported }) => (own.get(imported.local) ?? imported.local) !== imported.local)
  if (!isOurs && !isRenamed) return []
  const { start, end } = link.statement
  const lines = link.bindings.map(({ imported, meaning }) => {
    const local = own.get(imported.local) ?? imported.local
    if (meaning.kind === 'definition') {
      const name = names.definition(meaning.module, meaning.name)
      return name === local ? 'pass' : `${local} = ${name}`
    }
    const from = `${'.'.repeat(imported.level)}${imported.module}`
    return imported.name === null
      ? `import ${imported.module} as ${local}`
      : `from ${from} import ${imported.name} as ${local}`
  })
  const needed = lines.filter((line) => line !== 'pass')
  return [{ start, end, text: needed.length === 0 ? 'pass' : needed.join('; ') }]
}

// A method goes with its lines, and with the blank lines before it.
function wholeLines(module: PythonModule, { start, end }: Span): Edit {
  const { text } = module.file
  const before = /\n\s*$/.exec(text.slice(0, start))
  return { start: before === null ? start : before.index, end, text: '' }
}
