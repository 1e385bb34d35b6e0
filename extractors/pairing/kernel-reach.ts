import type { ClosureUnit } from '../python/closure.ts'
import type { Link } from '../python/links.ts'
import type { MinedKernel } from '../types.ts'
import { nativeKernelNames } from './native-kernels.ts'

/** The kernels that statements of a closure define or compile, in order of path and line. */
export type KernelsIn = (units: readonly ClosureUnit[], links: readonly Link[]) => MinedKernel[]

/** Prepares looking up kernels by place. `files` holds the texts of native sources. */
export function kernelLookup(kernels: readonly MinedKernel[], files: ReadonlyMap<string, string>): KernelsIn {
  const byPath = Map.groupBy(kernels, ({ path }) => path)
  return (units, links) => {
    const found = new Set<MinedKernel>()
    for (const unit of units) definedIn(unit, byPath).forEach((kernel) => found.add(kernel))
    const sources = units.flatMap(({ rewrites }) => rewrites.flatMap((rewrite) => rewrite.sources))
    const called = calledNames(units, links)
    const symbols = sources.length === 0 ? new Set<string>() : nativeKernelNames(files, sources, called)
    for (const path of sources) {
      for (const kernel of byPath.get(path) ?? []) if (symbols.has(kernel.symbol)) found.add(kernel)
    }
    return [...found].toSorted((a, b) => (a.path === b.path ? a.startLine - b.startLine : a.path < b.path ? -1 : 1))
  }
}

function definedIn(unit: ClosureUnit, byPath: ReadonlyMap<string, readonly MinedKernel[]>): MinedKernel[] {
  const { module, statement, dropped } = unit
  const candidates = byPath.get(module.path) ?? []
  if (candidates.length === 0) return []
  const lines = ({ start, end }: { start: number; end: number }): [number, number] => [
    module.file.lineOf(start),
    module.file.lineOf(end - 1),
  ]
  const [first, last] = lines(statement.node)
  const gaps = dropped.map(lines)
  return candidates.filter(({ startLine, endLine }) => {
    const isInside = first <= startLine && endLine <= last
    return isInside && !gaps.some(([from, to]) => from <= startLine && endLine <= to)
  })
}

// Operators by their last name: `op` of `torch.ops.ns.op`, `fn` of `extension.fn`.
function calledNames(units: readonly ClosureUnit[], links: readonly Link[]): Set<string> {
  const all = [...links, ...units.flatMap((unit) => unit.links)]
  return new Set(
    all.flatMap((link) => {
      if (link.to === 'external') return link.dotted[1] === 'ops' ? [link.dotted[3] ?? ''] : []
      if (link.to !== 'definition' || link.reference.parts.length < 2) return []
      return [link.reference.parts.at(-1) ?? '']
    }),
  )
}
