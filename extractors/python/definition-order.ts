import { definitionsBehind } from './linked-statements.ts'
import type { ClosureUnit } from './linked-statements.ts'
import type { Link, Problem } from './links.ts'

/**
 * The units in the order Python would have run them: module after module as they import each other, statement after statement. What
 * is read while a module is loaded must come first; what only a function reads when it is called may come later.
 */
export function orderUnits(units: readonly ClosureUnit[]): { ordered: ClosureUnit[]; problem: Problem | null } {
  const byPath = Map.groupBy(units, ({ module }) => module.path)
  const tries = [true, false].map((followsLazy) => arrange(byPath, followsLazy))
  const ordered = tries.find((order) => firstLate(order) === null) ?? tries[0] ?? []
  const late = firstLate(ordered)
  if (late === null) return { ordered, problem: null }
  return { ordered, problem: { reason: 'definition_order', detail: `${late} is read before it is defined` } }
}

function arrange(byPath: ReadonlyMap<string, readonly ClosureUnit[]>, followsLazy: boolean): ClosureUnit[] {
  const order: string[] = []
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path) || !byPath.has(path)) return
    seen.add(path)
    const links = (byPath.get(path) ?? []).flatMap((unit) => [...unit.links, ...unit.rewriteLinks])
    const eager = links.filter(isEager)
    for (const link of followsLazy ? [...eager, ...links] : eager) pathsBehind(link).forEach(visit)
    order.push(path)
  }
  ;[...byPath.keys()].toSorted((a, b) => (a < b ? -1 : 1)).forEach(visit)
  return order.flatMap((path) => (byPath.get(path) ?? []).toSorted((a, b) => a.statement.index - b.statement.index))
}

function isEager(link: Link): boolean {
  return link.to === 'definition' ? link.reference.isEager && !link.reference.isAnnotation : link.to === 'import'
}

function pathsBehind(link: Link): string[] {
  return definitionsBehind(link)
    .map(({ module }) => module.path)
    .toSorted((a, b) => (a < b ? -1 : 1))
}

// A name that a statement reads while it runs, and that none before it has bound.
function firstLate(ordered: readonly ClosureUnit[]): string | null {
  const bound = new Set<string>()
  const here = new Set(
    ordered.flatMap(({ module, statement }) => [...statement.binds].map((name) => `${module.path}::${name}`)),
  )
  for (const { module, statement, links, rewriteLinks } of ordered) {
    for (const link of [...links, ...rewriteLinks].filter(
      (candidate) => candidate.to === 'definition' && candidate.reference.isEager,
    )) {
      const late = definitionsBehind(link).find((target) => {
        const key = `${target.module.path}::${target.name}`
        const isItself = target.module === module && statement.binds.has(target.name)
        return !isItself && here.has(key) && !bound.has(key)
      })
      if (late !== undefined) return late.name
    }
    for (const name of statement.binds) bound.add(`${module.path}::${name}`)
  }
  return null
}
