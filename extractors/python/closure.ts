import { linksOf } from './links.ts'
import type { Link, Piece, Problem, Span } from './links.ts'
import type { ModuleStatement, PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'
import { resolveChain } from './resolution.ts'
import { fieldOf, nameChain, textOf, undecorated } from './syntax.ts'
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
}

export interface Rewrite extends Span {
  readonly text: string
  /** Name of a function in `torch.utils.cpp_extension` that the text calls, or null. */
  readonly needs: 'load_inline' | null
  /** Files of the repository whose text is embedded. */
  readonly sources: readonly string[]
}

/** Code that pieces need to stand alone, or why they cannot. */
export interface Closure {
  /** In the order in which they can be run. */
  readonly units: readonly ClosureUnit[]
  readonly problems: readonly Problem[]
}

/** What a closure may hold, and what it asks of the outside. */
export interface ClosureOptions {
  /** Top-level modules that may be imported besides those of Python. */
  readonly isAllowed: (topModule: string) => boolean
  /** Leaves out the backward half of `torch.autograd.Function`s. */
  readonly forwardOnly: boolean
  readonly maxLines: number
  /** Rewrites what a statement takes from files of the repository; null where there is nothing to rewrite. */
  readonly rewrite: (module: PythonModule, statement: ModuleStatement) => readonly Rewrite[] | Problem
  /** Statements a name of another package depends on: `torch.ops.ns.op` on the statement that loads its library. */
  readonly providers: (dotted: readonly string[]) => readonly Target[]
}

/** Collects everything of a repository that pieces of it need. Statements are understood once, whoever asks for them. */
export type CollectClosure = (pieces: readonly Piece[]) => Closure

/** Prepares collecting under one set of options. */
export function closureCollector(project: PythonProject, options: ClosureOptions): CollectClosure {
  const known = new Map<ModuleStatement, LinkedUnit>()
  const understand = (module: PythonModule, statement: ModuleStatement): LinkedUnit => {
    const found = known.get(statement) ?? linkUnit(project, module, statement, options)
    known.set(statement, found)
    return found
  }
  return (pieces) => {
    const units = new Map<ModuleStatement, ClosureUnit>()
    const problems: Problem[] = []
    const open: Target[] = []
    const follow = (links: readonly Link[]): void => {
      for (const link of links) {
        const problem = problemOf(link, options)
        if (problem !== null) problems.push(problem)
        open.push(...targetsOf(link, options))
      }
    }
    for (const piece of pieces) follow(linksOf(project, piece))
    let lines = 0
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (units.has(next.statement)) continue
      const { unit, problem, numLines } = understand(next.module, next.statement)
      units.set(next.statement, unit)
      if (problem !== null) problems.push(problem)
      lines += numLines
      if (lines > options.maxLines) return { units: [...units.values()], problems: [tooLarge(options.maxLines)] }
      follow(unit.links)
    }
    return { units: [...units.values()], problems }
  }
}

interface Target {
  readonly module: PythonModule
  readonly statement: ModuleStatement
}

interface LinkedUnit {
  readonly unit: ClosureUnit
  readonly problem: Problem | null
  readonly numLines: number
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

function linkUnit(
  project: PythonProject,
  module: PythonModule,
  statement: ModuleStatement,
  options: ClosureOptions,
): LinkedUnit {
  const dropped = options.forwardOnly ? backwardMethods(project, module, statement.node) : []
  const rewritten = options.rewrite(module, statement)
  const rewrites = 'reason' in rewritten ? [] : rewritten
  const skip = [...dropped, ...rewrites]
  const links = linksOf(project, { module, node: statement.node, isLocal: () => false, skip })
  const lines = [statement.node, ...dropped].map((span) => lineCount(module, span))
  return {
    unit: { module, statement, dropped, links, rewrites },
    problem: 'reason' in rewritten ? rewritten : null,
    numLines: lines.reduce((sum, count) => sum - count, 2 * (lines[0] ?? 0)),
  }
}

function targetsOf(link: Link, options: ClosureOptions): Target[] {
  if (link.to === 'external') return [...options.providers(link.dotted)]
  return definitionsBehind(link).flatMap(({ module, name }) =>
    (module.definitions.get(name) ?? []).map((statement) => ({ module, statement })),
  )
}

function problemOf(link: Link, { isAllowed }: ClosureOptions): Problem | null {
  if (link.to === 'nothing') return link.problem
  if (link.to === 'external') return thirdParty(link.dotted[0] ?? '', isAllowed)
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

const BACKWARD = new Set(['backward', 'jvp', 'vjp', 'vmap'])

/** The methods of an autograd function that only its gradient needs. */
function backwardMethods(project: PythonProject, module: PythonModule, node: SyntaxNode): Span[] {
  const definition = undecorated(node)
  const [bases, body] = [fieldOf(definition, 'superclasses'), fieldOf(definition, 'body')]
  if (definition.type !== 'class_definition' || bases === null || body === null) return []
  const isAutograd = bases.children.some((base) => {
    const parts = nameChain(module.file, base)
    const meaning = parts === null ? null : resolveChain(project, module, parts)
    return meaning?.kind === 'external' && meaning.dotted.join('.').startsWith('torch.autograd.')
  })
  if (!isAutograd) return []
  return body.children.filter((member) => {
    const name = fieldOf(undecorated(member), 'name')
    return name !== null && BACKWARD.has(textOf(module.file, name))
  })
}

function lineCount({ file }: PythonModule, { start, end }: Span): number {
  return file.lineOf(end - 1) - file.lineOf(start) + 1
}
