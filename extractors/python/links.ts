import { importedNames, isImport } from './imports.ts'
import type { ImportedName } from './imports.ts'
import type { PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'
import { freeReferences } from './references.ts'
import type { Reference } from './references.ts'
import { resolveChain, resolveImport } from './resolution.ts'
import type { Meaning } from './resolution.ts'
import { isBuiltin } from './standard-library.ts'
import { fieldOf, walk } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/** A place in a piece of code that means something outside of it. */
export type Link =
  | {
      readonly to: 'definition'
      readonly module: PythonModule
      readonly name: string
      readonly span: Span
      readonly reference: Reference
    }
  | {
      readonly to: 'external'
      readonly imported: ImportedName
      readonly dotted: readonly string[]
      readonly span: Span
      readonly reference: Reference
    }
  | { readonly to: 'builtin'; readonly name: string; readonly reference: Reference }
  /** An import inside the piece: what it binds there is local, what it means is not. */
  | {
      readonly to: 'import'
      readonly statement: SyntaxNode
      readonly bindings: readonly ImportBinding[]
      readonly isGuarded: boolean
    }
  | { readonly to: 'nothing'; readonly problem: Problem; readonly at: number }

export interface ImportBinding {
  readonly imported: ImportedName
  readonly meaning: Meaning
}

export interface Span {
  readonly start: number
  readonly end: number
}

/** Why a piece of code cannot stand alone. */
export interface Problem {
  readonly reason:
    | 'unresolved_name'
    | 'module_as_value'
    | 'third_party_import'
    | 'rebound_import'
    | 'reads_files'
    | 'too_large'
    | 'definition_order'
    | 'native_build'
  readonly detail: string
}

/** A piece of a module: a statement or an expression, with what of it does not count. */
export interface Piece {
  readonly module: PythonModule
  readonly node: SyntaxNode
  /** Names that mean something local to where the piece will stand. */
  readonly isLocal: (name: string) => boolean
  /** Spans that are replaced or left out. */
  readonly skip: readonly Span[]
}

/** Where in its file a link stands. */
export function offsetOf(link: Link): number {
  if (link.to === 'nothing') return link.at
  if (link.to === 'import') return link.statement.start
  return link.reference.identifier.start
}

/** Everything a piece means outside of itself, in order of place. */
export function linksOf(project: PythonProject, piece: Piece): Link[] {
  const { module, node, isLocal, skip } = piece
  const isSkipped = ({ start, end }: SyntaxNode): boolean => skip.some((span) => span.start <= start && end <= span.end)
  const references = freeReferences(module.file, node, isSkipped).filter(
    ({ name, isAnnotation }) => !isLocal(name) && !(isAnnotation && module.hasLazyAnnotations),
  )
  const imports = [...walk(node)].filter((inner) => isImport(inner) && inner !== node && !isSkipped(inner))
  const guarded = new Set([...walk(node)].filter((inner) => inner.type === 'try_statement').flatMap(guardedImports))
  return [
    ...imports.map((statement): Link => ({
      to: 'import',
      statement,
      bindings: importedNames(module.file, statement).map((imported) => ({
        imported,
        meaning: resolveImport(project, module, imported),
      })),
      isGuarded: guarded.has(statement),
    })),
    ...references.map((reference) => linkOf(project, module, reference)),
  ]
}

function linkOf(project: PythonProject, module: PythonModule, reference: Reference): Link {
  const { name, parts, identifier } = reference
  const nothing = (reason: Problem['reason'], detail: string): Link => ({
    to: 'nothing',
    problem: { reason, detail },
    at: identifier.start,
  })
  if (name === '__file__') return nothing('reads_files', `${module.path} uses __file__`)
  if (module.definitions.has(name) && module.imports.has(name)) {
    return nothing('rebound_import', `${module.path} imports and redefines ${name}`)
  }
  const meaning = resolveChain(project, module, parts)
  const dotted = meaning.kind === 'external' ? meaning.dotted.join('.') : name
  if (meaning.kind !== 'definition' && READERS.has(dotted)) return nothing('reads_files', `${dotted} in ${module.path}`)
  if (meaning.kind === 'unknown') {
    return isBuiltin(name)
      ? { to: 'builtin', name, reference }
      : nothing('unresolved_name', `${parts.join('.')} in ${module.path}`)
  }
  if (meaning.kind === 'module') return nothing('module_as_value', `${parts.join('.')} in ${module.path}`)
  const span = spanOfParts(reference, meaning.kind === 'external' ? meaning.bound : meaning.used)
  if (meaning.kind === 'external') {
    return { to: 'external', imported: meaning.imported, dotted: meaning.dotted, span, reference }
  }
  return { to: 'definition', module: meaning.module, name: meaning.name, span, reference }
}

// What they read lies in the repository, or nowhere: code that stands alone has neither.
const READERS = new Set(['open', 'io.open', 'torch.load', 'numpy.load', 'numpy.loadtxt', 'numpy.fromfile'])

// The first `count` names of a chain.
function spanOfParts({ chain, parts, identifier }: Reference, count: number): Span {
  let node = chain
  for (let dropped = parts.length - count; dropped > 0; dropped -= 1) node = fieldOf(node, 'object') ?? node
  return count === 1 ? identifier : node
}

// Imports that a handler for their failure stands behind: whoever wrote them can do without.
function guardedImports(tryStatement: SyntaxNode): SyntaxNode[] {
  const body = fieldOf(tryStatement, 'body')
  const hasHandler = tryStatement.children.some(({ type }) => type === 'except_clause')
  return body === null || !hasHandler ? [] : [...walk(body)].filter(isImport)
}
