import type { LinkedMember, LinkedPart, LinkedStatement, StatementLinker, Target } from './linked-statements.ts'
import type { ModuleStatement } from './modules.ts'

/** Is told of everything that parts of code lead to, each once. */
export interface PartVisitor {
  /** A statement without the methods that may be left out. Returning false ends the walk. */
  statement(linked: LinkedStatement): boolean
  /** A method of a statement that was visited before, which something names. */
  member(linked: LinkedStatement, member: LinkedMember): void
}

/** Follows parts of code to all statements and methods that they need, through any number of others. */
export function walkParts(linker: StatementLinker, seeds: readonly LinkedPart[], visitor: PartVisitor): void {
  const walk: Walk = { visitor, waiting: new Map(), named: new Set(), open: [] }
  const seen = new Set<ModuleStatement>()
  for (const seed of seeds) follow(walk, seed)
  for (let next = walk.open.pop(); next !== undefined; next = walk.open.pop()) {
    if (seen.has(next.statement)) continue
    seen.add(next.statement)
    const linked = linker.statement(next)
    const goesOn = visitor.statement(linked)
    follow(walk, linked.own)
    for (const member of linked.members) offer(walk, linked, member)
    if (!goesOn) return
  }
}

interface Walk {
  readonly visitor: PartVisitor
  /** Methods that nothing has named yet, by name. */
  readonly waiting: Map<string, { readonly linked: LinkedStatement; readonly member: LinkedMember }[]>
  /** The words of everything that was visited so far. */
  readonly named: Set<string>
  readonly open: Target[]
}

function follow(walk: Walk, part: LinkedPart): void {
  walk.open.push(...part.targets)
  for (const word of part.words) {
    walk.named.add(word)
    const members = walk.waiting.get(word)
    if (members === undefined) continue
    walk.waiting.delete(word)
    for (const { linked, member } of members) include(walk, linked, member)
  }
}

function offer(walk: Walk, linked: LinkedStatement, member: LinkedMember): void {
  if (walk.named.has(member.name)) return include(walk, linked, member)
  const others = walk.waiting.get(member.name)
  if (others === undefined) walk.waiting.set(member.name, [{ linked, member }])
  else others.push({ linked, member })
}

function include(walk: Walk, linked: LinkedStatement, member: LinkedMember): void {
  walk.visitor.member(linked, member)
  follow(walk, member)
}
