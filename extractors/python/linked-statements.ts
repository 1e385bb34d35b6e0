import { classParts } from './class-members.ts'
import { problemOf } from './link-problems.ts'
import { linksOf, offsetOf } from './links.ts'
import type { Link, Piece, Problem, Span } from './links.ts'
import type { ModuleStatement, PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'
import { fieldOf, undecorated } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/** A statement of a module that a closure holds, with what it means. */
export interface ClosureUnit {
  readonly module: PythonModule
  readonly statement: ModuleStatement
  /** Parts of the statement that are left out. */
  readonly dropped: readonly Span[]
  readonly links: readonly Link[]
  /** Text put in place of parts of the statement, and what of the repository went into it. */
  readonly rewrites: readonly Rewrite[]
  /** What expressions of other modules mean that were put in place of parts. */
  readonly rewriteLinks: readonly Link[]
}

export interface Rewrite extends Span {
  readonly text: string
  /** What the text calls besides what the statement imports. */
  readonly needs: 'load_inline' | 'triton' | null
  /** An expression of another module that goes there instead of the text, or null. */
  readonly piece: Piece | null
  /** Files of the repository whose text is embedded. */
  readonly sources: readonly string[]
}

/** The name a definition goes by because the file that is written defines it in its own way. */
export type FixedName = (module: PythonModule, name: string) => string | null

/** How statements are understood. */
export interface LinkOptions {
  /** Top-level modules that may be imported besides those of Python. */
  readonly isAllowed: (topModule: string) => boolean
  /** Leaves out the backward half of `torch.autograd.Function`s. */
  readonly forwardOnly: boolean
  /** The name that a definition goes by in the file without being in the closure; null for all others. */
  readonly fixedName: FixedName
  /** Rewrites what a statement takes from files of the repository; null where there is nothing to rewrite. */
  readonly rewrite: (module: PythonModule, statement: ModuleStatement) => readonly Rewrite[] | Problem
  /** Statements a name of another package depends on: `torch.ops.ns.op` on the statement that loads its library. */
  readonly providers: (dotted: readonly string[]) => readonly Target[]
  /** Statements that stand behind a statement without it naming them. */
  readonly implementations: (target: Target) => readonly Target[]
}

/** A statement of a module. */
export interface Target {
  readonly module: PythonModule
  readonly statement: ModuleStatement
}

/**
 * A part of the code with what it means and the words in it that may name a method, comments and strings included:
 * `getattr(self, "decode")` names one.
 */
export interface LinkedPart {
  readonly links: readonly Link[]
  readonly targets: readonly Target[]
  readonly problems: readonly Problem[]
  readonly words: ReadonlySet<string>
}

/** A method of a class that is needed only where something names it. */
export interface LinkedMember extends LinkedPart {
  readonly name: string
  readonly span: Span
}

/** A statement with everything it means: what it always needs, and its methods that may be left out. */
export interface LinkedStatement {
  readonly unit: ClosureUnit
  readonly own: LinkedPart
  readonly members: readonly LinkedMember[]
  readonly numLines: number
}

/** Understands statements, each once, whoever asks for them. */
export interface StatementLinker {
  statement(target: Target): LinkedStatement
  piece(piece: Piece): LinkedPart
}

/** Prepares understanding statements under one set of options. */
export function statementLinker(project: PythonProject, options: LinkOptions): StatementLinker {
  const known = new Map<ModuleStatement, LinkedStatement>()
  const pieces = new WeakMap<Piece, LinkedPart>()
  return {
    statement: (target) => {
      const found = known.get(target.statement) ?? linkStatement(project, target, options)
      known.set(target.statement, found)
      return found
    },
    piece: (piece) => {
      const words = (): Set<string> => methodNames(project, piece.module, piece.node, [])
      const found = pieces.get(piece) ?? toPart(linksOf(project, piece), piece.node, words(), options)
      pieces.set(piece, found)
      return found
    },
  }
}

/** The definitions behind a link, an import inside a piece included. */
export function definitionsBehind(link: Link): { module: PythonModule; name: string }[] {
  if (link.to === 'definition') return [{ module: link.module, name: link.name }]
  if (link.to !== 'import') return []
  return link.bindings.flatMap(({ meaning }) =>
    meaning.kind === 'definition' ? [{ module: meaning.module, name: meaning.name }] : [],
  )
}

function linkStatement(project: PythonProject, target: Target, options: LinkOptions): LinkedStatement {
  const { module, statement } = target
  const parts = classParts(project, module, statement.node)
  const dropped = options.forwardOnly ? parts.backward.map(({ node }) => node) : []
  const rewritten = options.rewrite(module, statement)
  const rewrites = 'reason' in rewritten ? [] : rewritten
  const optional = parts.optional.map(({ node }) => node)
  const all = linksOf(project, { module, node: statement.node, isLocal: () => false, skip: [...dropped, ...rewrites] })
  const isIn = (link: Link, span: Span): boolean => span.start <= offsetOf(link) && offsetOf(link) < span.end
  const links = all.filter((link) => !optional.some((span) => isIn(link, span)))
  const rewriteLinks = rewrites.flatMap(({ piece }) => (piece === null ? [] : linksOf(project, piece)))
  const lines = [statement.node, ...dropped].map((span) => lineCount(module, span))
  const methods = (span: Span, skip: readonly Span[]): Set<string> => methodNames(project, module, span, skip)
  const words = methods(statement.node, [...dropped, ...optional])
  const named = toPart([...links, ...rewriteLinks], statement.node, words, options)
  const own = { ...named, targets: [...named.targets, ...options.implementations(target)] }
  return {
    unit: { module, statement, dropped, links, rewrites, rewriteLinks },
    own: 'reason' in rewritten ? { ...own, problems: [rewritten, ...own.problems] } : own,
    members: parts.optional.map(({ name, node }) => {
      const inside = all.filter((link) => isIn(link, node))
      return { name, span: node, ...toPart(inside, node, methods(node, []), options) }
    }),
    numLines: lines.reduce((sum, count) => sum - count, 2 * (lines[0] ?? 0)),
  }
}

function toPart(
  links: readonly Link[],
  node: SyntaxNode,
  words: ReadonlySet<string>,
  options: LinkOptions,
): LinkedPart {
  const problems = links.flatMap((link) => problemOf(link, options) ?? [])
  // A definition needs nothing else of its name: many are called `_`, one for each operator that is registered.
  const own = fieldOf(undecorated(node), 'name')
  const needed = links.filter((link) => !('reference' in link) || link.reference.identifier !== own)
  const targets = new Map(
    needed.flatMap((link) => targetsOf(link, options)).map((target) => [target.statement, target]),
  )
  return { links, targets: [...targets.values()], problems, words }
}

// The words of a span that name a method somewhere in the repository.
function methodNames(
  project: PythonProject,
  { file }: PythonModule,
  { start, end }: Span,
  skip: readonly Span[],
): Set<string> {
  const sorted = skip.toSorted((a, b) => a.start - b.start)
  const ends = [...sorted.map((span) => span.start), end]
  const texts = ends.map((stop, at) => file.text.slice(at === 0 ? start : (sorted[at - 1]?.end ?? start), stop))
  const known = project.methodNames()
  return new Set(texts.flatMap((text) => text.match(/\w+/g) ?? []).filter((word) => known.has(word)))
}

function targetsOf(link: Link, options: LinkOptions): Target[] {
  if (link.to === 'external') return [...options.providers(link.dotted)]
  return definitionsBehind(link)
    .filter(({ module, name }) => options.fixedName(module, name) === null)
    .flatMap(({ module, name }) => (module.definitions.get(name) ?? []).map((statement) => ({ module, statement })))
}

function lineCount({ file }: PythonModule, { start, end }: Span): number {
  return file.lineOf(end - 1) - file.lineOf(start) + 1
}
