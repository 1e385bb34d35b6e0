import type { ClosureUnit } from '../python/closure.ts'
import type { Link } from '../python/links.ts'
import { isStandardModule } from '../python/standard-library.ts'
import { fieldOf, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { MinedKernel } from '../types.ts'
import { nativeIndex } from './native-index.ts'
import type { CalledName, NativeIndex } from './native-index.ts'
import { nativeKernelNames } from './native-kernels.ts'

/** The kernels that statements of a closure define or compile, in order of path and line. */
export type KernelsIn = (units: readonly ClosureUnit[], links: readonly Link[]) => MinedKernel[]

/** Prepares looking up kernels by place. `files` holds the texts of native sources. */
export function kernelLookup(kernels: readonly MinedKernel[], files: ReadonlyMap<string, string>): KernelsIn {
  const byPath = Map.groupBy(kernels, ({ path }) => path)
  let index: NativeIndex | undefined
  return (units, links) => {
    const found = new Set<MinedKernel>()
    for (const unit of units) definedIn(unit, byPath).forEach((kernel) => found.add(kernel))
    const sources = units.flatMap(({ rewrites }) => rewrites.flatMap((rewrite) => rewrite.sources))
    const called = calledNames(units, links)
    const symbols = sources.length === 0 ? new Set<string>() : nativeKernelNames(files, sources, called)
    for (const path of sources) {
      for (const kernel of byPath.get(path) ?? []) if (symbols.has(kernel.symbol)) found.add(kernel)
    }
    index ??= nativeIndex(kernels, files)
    if (sources.length === 0) index.kernelsBehind(installedNames(units, links)).forEach((kernel) => found.add(kernel))
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

// What code calls of extensions that an installer builds: `extension.fn`, `torch.ops.ns.op`, `library.cfn`, `load_module().fn`.
function installedNames(units: readonly ClosureUnit[], links: readonly Link[]): CalledName[] {
  const named = [...links, ...units.flatMap((unit) => unit.links)].flatMap((link): CalledName[] => {
    if (link.to === 'definition') {
      const name = link.reference.parts.length > 1 ? link.reference.parts.at(-1) : undefined
      return name === undefined ? [] : [{ name, extension: null }]
    }
    if (link.to !== 'external') return []
    const [top = '', second, , operator] = link.dotted
    if (top === 'torch' && second === 'ops') return operator === undefined ? [] : [{ name: operator, extension: null }]
    if (KNOWN_PACKAGES.has(top) || isStandardModule(top)) return []
    return [{ name: link.dotted.at(-1) ?? '', extension: link.dotted.at(-2) ?? null }]
  })
  const onResults = units.flatMap(calledOnResults).map((name): CalledName => ({ name, extension: null }))
  const unique = new Map([...named, ...onResults].map((called) => [`${called.extension} ${called.name}`, called]))
  return [...unique.values()]
}

const KNOWN_PACKAGES = new Set(['torch', 'numpy', 'triton', 'scipy', 'einops', 'pytest', 'transformers'])

const RESULT_CALLS = new WeakMap<SyntaxNode, readonly string[]>()

// `load_module().fn(x)`
function calledOnResults({ module, statement }: ClosureUnit): readonly string[] {
  const known = RESULT_CALLS.get(statement.node)
  if (known !== undefined) return known
  const names = [...walk(statement.node)].flatMap((node) => {
    const callee = node.type === 'call' ? fieldOf(node, 'function') : null
    const object = callee?.type === 'attribute' ? fieldOf(callee, 'object') : null
    const attribute = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
    return object?.type === 'call' && attribute !== null ? [textOf(module.file, attribute)] : []
  })
  RESULT_CALLS.set(statement.node, names)
  return names
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
