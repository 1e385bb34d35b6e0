import { statementLinker } from '../python/linked-statements.ts'
import type { LinkOptions, LinkedPart, LinkedStatement, StatementLinker } from '../python/linked-statements.ts'
import type { Piece } from '../python/links.ts'
import type { ModuleStatement } from '../python/modules.ts'
import { walkParts } from '../python/part-walk.ts'
import type { PythonProject } from '../python/project.ts'
import type { MinedKernel } from '../types.ts'
import type { CalledName } from './native-index.ts'
import { calledNames, kernelsOfParts } from './part-kernels.ts'
import type { KernelLookup, PartKernels } from './part-kernels.ts'
import type { WorkMeter } from './work-meter.ts'

/** The kernels that pieces of code reach through any number of functions, in order of path and line. */
export type PieceReach = (pieces: readonly Piece[]) => readonly MinedKernel[]

/** What a search for kernels may use. */
export interface ReachScope {
  readonly project: PythonProject
  readonly lookup: KernelLookup
  readonly meter: WorkMeter
}

/** Prepares finding kernels. Many tests ask for what the same functions reach: an answer is kept while it may be asked for again. */
export function kernelReach({ project, lookup, meter }: ReachScope, options: LinkOptions): PieceReach {
  const linker = statementLinker(project, options)
  const partsOf = kernelsOfParts(lookup)
  const answers = new Map<string, readonly MinedKernel[]>()
  const numbers = new Map<ModuleStatement, number>()
  return (pieces) => {
    const seeds = pieces.map((piece) => seedOf(linker, piece))
    const key = keyOf(seeds, numbers)
    const known = answers.get(key)
    if (known !== undefined) return known
    const found = [...seeds.map(({ own }) => own), ...partsReached(linker, partsOf, seeds, meter)]
    const kernels = lookup.kernelsOf(found)
    if (answers.size >= MAX_ANSWERS) answers.clear()
    answers.set(key, kernels)
    return kernels
  }
}

const MAX_ANSWERS = 5000

// A walk that is only looked at may be far larger than code that is emitted; this bound is against hostile files.
const MAX_REACHED_LINES = 100_000

interface Seed {
  readonly part: LinkedPart
  readonly own: PartKernels
}

function seedOf(linker: StatementLinker, piece: Piece): Seed {
  const part = linker.piece(piece)
  return { part, own: { kernels: [], sources: [], ...calledNames(part.links) } }
}

function keyOf(seeds: readonly Seed[], numbers: Map<ModuleStatement, number>): string {
  const number = (statement: ModuleStatement): number => {
    const known = numbers.get(statement) ?? numbers.size
    numbers.set(statement, known)
    return known
  }
  const called = ({ name, extension }: CalledName): string => `${extension}.${name}`
  const targets = new Set(seeds.flatMap(({ part }) => part.targets.map(({ statement }) => number(statement))))
  const words = new Set(seeds.flatMap(({ part }) => [...part.words]))
  const names = new Set(seeds.flatMap(({ own }) => [...own.operators, ...own.installed.map(called)]))
  return [targets, words, names].map((set) => [...set].map(String).toSorted(byText).join(' ')).join('\n')
}

function partsReached(
  linker: StatementLinker,
  partsOf: (linked: LinkedStatement, part: LinkedPart) => PartKernels,
  seeds: readonly Seed[],
  meter: WorkMeter,
): PartKernels[] {
  const parts: PartKernels[] = []
  let lines = 0
  walkParts(
    linker,
    seeds.map(({ part }) => part),
    {
      statement: (linked) => {
        parts.push(partsOf(linked, linked.own))
        lines += linked.numLines
        return lines <= MAX_REACHED_LINES
      },
      member: (linked, member) => {
        parts.push(partsOf(linked, member))
      },
    },
  )
  meter.spend(parts.length)
  return parts
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}
