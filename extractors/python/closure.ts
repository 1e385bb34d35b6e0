import { statementLinker } from './linked-statements.ts'
import type { ClosureUnit, LinkOptions, LinkedMember, LinkedStatement } from './linked-statements.ts'
import type { Piece, Problem } from './links.ts'
import { walkParts } from './part-walk.ts'
import type { PythonProject } from './project.ts'

/** Code that pieces need to stand alone, or why they cannot. */
export interface Closure {
  /** In the order in which they can be run. */
  readonly units: readonly ClosureUnit[]
  readonly problems: readonly Problem[]
}

/** What a closure may hold, and what it asks of the outside. */
export interface ClosureOptions extends LinkOptions {
  readonly maxLines: number
}

/** Collects everything of a repository that pieces of it need. */
export type CollectClosure = (pieces: readonly Piece[]) => Closure

/** Prepares collecting under one set of options. */
export function closureCollector(project: PythonProject, options: ClosureOptions): CollectClosure {
  const linker = statementLinker(project, options)
  return (pieces) => {
    const seeds = pieces.map((piece) => linker.piece(piece))
    const problems: Problem[] = seeds.flatMap((seed) => seed.problems)
    const found = new Map<LinkedStatement, LinkedMember[]>()
    let lines = 0
    walkParts(linker, seeds, {
      statement: (linked) => {
        found.set(linked, [])
        problems.push(...linked.own.problems)
        lines += linked.numLines
        return lines <= options.maxLines
      },
      member: (linked, member) => {
        found.get(linked)?.push(member)
        problems.push(...member.problems)
      },
    })
    if (lines > options.maxLines) problems.push({ reason: 'too_large', detail: `more than ${options.maxLines} lines` })
    return { units: [...found].map(([linked, members]) => toUnit(linked, members)), problems }
  }
}

function toUnit(linked: LinkedStatement, members: readonly LinkedMember[]): ClosureUnit {
  const absent = linked.members.filter((member) => !members.includes(member))
  if (linked.members.length === 0) return linked.unit
  return {
    ...linked.unit,
    dropped: [...linked.unit.dropped, ...absent.map(({ span }) => span)],
    links: [...linked.unit.links, ...members.flatMap(({ links }) => links)],
  }
}
