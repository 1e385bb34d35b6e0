import { classParts } from './class-members.ts'
import { linksOf, offsetOf } from './links.ts'
import type { Link, Piece, Problem, Span } from './links.ts'
import type { ModuleStatement, PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'

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

/** Code that pieces need to stand alone, or why they cannot. */
export interface Closure {
  /** In the order in which they can be run. */
  readonly units: readonly ClosureUnit[]
  readonly problems: readonly Problem[]
}

/** The name a definition goes by because the file that is written defines it in its own way. */
export type FixedName = (module: PythonModule, name: string) => string | null

/** What a closure may hold, and what it asks of the outside. */
export interface ClosureOptions {
  /** Top-level modules that may be imported besides those of Python. */
  readonly isAllowed: (topModule: string) => boolean
  /** Leaves out the backward half of `torch.autograd.Function`s. */
  readonly forwardOnly: boolean
  readonly maxLines: number
  /** The name that a definition goes by in the file without being in the closure; null for all others. */
  readonly fixedName: FixedName
  /** Rewrites what a statement takes from files of the repository; null where there is nothing to rewrite. */
  readonly rewrite: (module: PythonModule, statement: ModuleStatement) => readonly Rewrite[] | Problem
  /** Statements a name of another package depends on: `torch.ops.ns.op` on the statement that loads its library. */
  readonly providers: (dotted: readonly string[]) => readonly Target[]
}

/** Collects everything of a repository that pieces of it need. Statements are understood once, whoever asks for them. */
export type CollectClosure = (pieces: readonly Piece[]) => Closure

/** Prepares collecting under one set of options. */
export function closureCollector(project: PythonProject, options: ClosureOptions): CollectClosure {
  const known = new Map<ModuleStatement, LinkedStatement>()
  const understand = ({ module, statement }: Target): LinkedStatement => {
    const found = known.get(statement) ?? linkStatement(project, module, statement, options)
    known.set(statement, found)
    return found
  }
  return (pieces) => {
    const closing: Closing = { options, found: new Map(), waiting: new Map(), named: new Set(), problems: [], open: [] }
    for (const piece of pieces)
      follow(closing, { links: linksOf(project, piece), words: wordsWithout(piece.module, piece.node) })
    let lines = 0
    for (let next = closing.open.pop(); next !== undefined; next = closing.open.pop()) {
      if (closing.found.has(next.statement)) continue
      const linked = understand(next)
      closing.found.set(next.statement, { linked, members: [] })
      if (linked.problem !== null) closing.problems.push(linked.problem)
      follow(closing, linked.own)
      for (const member of linked.members) offer(closing, next.statement, member)
      lines += linked.numLines
      if (lines > options.maxLines) closing.problems.push(tooLarge(options.maxLines))
      if (lines > options.maxLines) break
    }
    return { units: [...closing.found.values()].map(toUnit), problems: closing.problems }
  }
}

interface Target {
  readonly module: PythonModule
  readonly statement: ModuleStatement
}

/** A part of the code with what it means and every word in it, comments and strings included: `getattr(self, "decode")` names a method. */
interface LinkedPart {
  readonly links: readonly Link[]
  readonly words: ReadonlySet<string>
}

interface LinkedMember extends LinkedPart {
  readonly name: string
  readonly span: Span
}

interface LinkedStatement {
  readonly unit: ClosureUnit
  readonly own: LinkedPart
  /** Methods that are needed only where something names them. */
  readonly members: readonly LinkedMember[]
  readonly problem: Problem | null
  readonly numLines: number
}

interface Closing {
  readonly options: ClosureOptions
  readonly found: Map<ModuleStatement, { readonly linked: LinkedStatement; readonly members: LinkedMember[] }>
  /** Methods that nothing has named yet, by name. */
  readonly waiting: Map<string, { readonly statement: ModuleStatement; readonly member: LinkedMember }[]>
  /** The words of everything that is in so far. */
  readonly named: Set<string>
  readonly problems: Problem[]
  readonly open: Target[]
}

function follow(closing: Closing, part: LinkedPart): void {
  for (const link of part.links) {
    const problem = problemOf(link, closing.options)
    if (problem !== null) closing.problems.push(problem)
    closing.open.push(...targetsOf(link, closing.options))
  }
  for (const word of part.words) closing.named.add(word)
  for (const name of closing.waiting.keys()) {
    if (!part.words.has(name)) continue
    const members = closing.waiting.get(name) ?? []
    closing.waiting.delete(name)
    for (const { statement, member } of members) include(closing, statement, member)
  }
}

function offer(closing: Closing, statement: ModuleStatement, member: LinkedMember): void {
  if (closing.named.has(member.name)) include(closing, statement, member)
  else closing.waiting.set(member.name, [...(closing.waiting.get(member.name) ?? []), { statement, member }])
}

function include(closing: Closing, statement: ModuleStatement, member: LinkedMember): void {
  closing.found.get(statement)?.members.push(member)
  follow(closing, member)
}

function toUnit({
  linked,
  members,
}: {
  readonly linked: LinkedStatement
  readonly members: readonly LinkedMember[]
}): ClosureUnit {
  const absent = linked.members.filter((member) => !members.includes(member))
  if (linked.members.length === 0) return linked.unit
  return {
    ...linked.unit,
    dropped: [...linked.unit.dropped, ...absent.map(({ span }) => span)],
    links: [...linked.unit.links, ...members.flatMap(({ links }) => links)],
  }
}

function tooLarge(maxLines: number): Problem {
  return { reason: 'too_large', detail: `more than ${maxLines} lines` }
}

/** The definitions behind a link, an import inside a piece included. */
export function definitionsBehind(link: Link): { module: PythonModule; name: string }[] {
  if (link.to === 'definition') return [{ module: link.module, name: link.name }]
  if (link.to !== 'import') return []
  return link.bindings.flatMap(({ meaning }) =>
    meaning.kind === 'definition' ? [{ module: meaning.module, name: meaning.name }] : [],
  )
}

function linkStatement(
  project: PythonProject,
  module: PythonModule,
  statement: ModuleStatement,
  options: ClosureOptions,
): LinkedStatement {
  const parts = classParts(project, module, statement.node)
  const dropped = options.forwardOnly ? parts.backward.map(({ node }) => node) : []
  const rewritten = options.rewrite(module, statement)
  const rewrites = 'reason' in rewritten ? [] : rewritten
  const optional = parts.optional.map(({ node }) => node)
  const all = linksOf(project, { module, node: statement.node, isLocal: () => false, skip: [...dropped, ...rewrites] })
  const linksIn = (span: Span): Link[] =>
    all.filter((link) => span.start <= offsetOf(link) && offsetOf(link) < span.end)
  const links = all.filter(
    (link) => !optional.some((span) => span.start <= offsetOf(link) && offsetOf(link) < span.end),
  )
  const rewriteLinks = rewrites.flatMap(({ piece }) => (piece === null ? [] : linksOf(project, piece)))
  const lines = [statement.node, ...dropped].map((span) => lineCount(module, span))
  return {
    unit: { module, statement, dropped, links, rewrites, rewriteLinks },
    own: { links: [...links, ...rewriteLinks], words: wordsWithout(module, statement.node, [...dropped, ...optional]) },
    members: parts.optional.map(({ name, node }) => ({
      name,
      span: node,
      links: linksIn(node),
      words: wordsWithout(module, node),
    })),
    problem: 'reason' in rewritten ? rewritten : null,
    numLines: lines.reduce((sum, count) => sum - count, 2 * (lines[0] ?? 0)),
  }
}

function wordsWithout({ file }: PythonModule, { start, end }: Span, skip: readonly Span[] = []): Set<string> {
  const sorted = skip.toSorted((a, b) => a.start - b.start)
  const ends = [...sorted.map((span) => span.start), end]
  const texts = ends.map((stop, at) => file.text.slice(at === 0 ? start : (sorted[at - 1]?.end ?? start), stop))
  return new Set(texts.join(' ').match(/\w+/g))
}

function targetsOf(link: Link, options: ClosureOptions): Target[] {
  if (link.to === 'external') return [...options.providers(link.dotted)]
  return definitionsBehind(link)
    .filter(({ module, name }) => options.fixedName(module, name) === null)
    .flatMap(({ module, name }) => (module.definitions.get(name) ?? []).map((statement) => ({ module, statement })))
}

function problemOf(link: Link, { isAllowed, providers }: ClosureOptions): Problem | null {
  if (link.to === 'nothing') return link.problem
  if (link.to === 'external') return thirdParty(link.dotted[0] ?? '', isAllowed) ?? unprovided(link.dotted, providers)
  if (link.to !== 'import') return null
  for (const { imported, meaning } of link.bindings) {
    const problem = problemOfBinding(imported.local, meaning, link.isGuarded, isAllowed)
    if (problem !== null) return problem
  }
  return null
}

type Meaning = Extract<Link, { to: 'import' }>['bindings'][number]['meaning']

function problemOfBinding(
  local: string,
  meaning: Meaning,
  isGuarded: boolean,
  isAllowed: (name: string) => boolean,
): Problem | null {
  if (meaning.kind === 'external') return isGuarded ? null : thirdParty(meaning.dotted[0] ?? '', isAllowed)
  if (meaning.kind === 'module') return { reason: 'module_as_value', detail: `import of ${local} inside a function` }
  if (meaning.kind === 'definition' || isGuarded) return null
  return { reason: 'unresolved_name', detail: `import of ${local}` }
}

function thirdParty(name: string, isAllowed: (name: string) => boolean): Problem | null {
  return isAllowed(name) ? null : { reason: 'third_party_import', detail: name }
}

// Operators of PyTorch itself need nobody to register them.
const OWN_OPERATORS = new Set(['aten', 'prim', 'prims', 'quantized', 'nn', 'c10d', 'higher_order', 'profiler'])

function unprovided(dotted: readonly string[], providers: ClosureOptions['providers']): Problem | null {
  const [torch, ops, namespace, name] = dotted
  if (torch !== 'torch' || ops !== 'ops' || namespace === undefined || name === undefined) return null
  if (OWN_OPERATORS.has(namespace) || providers(dotted).length > 0) return null
  return { reason: 'native_build', detail: `nothing that Python loads registers torch.ops.${namespace}.${name}` }
}

function lineCount({ file }: PythonModule, { start, end }: Span): number {
  return file.lineOf(end - 1) - file.lineOf(start) + 1
}
