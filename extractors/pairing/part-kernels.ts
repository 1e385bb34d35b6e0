import type { LinkedMember, LinkedPart, LinkedStatement } from '../python/linked-statements.ts'
import type { Link, Span } from '../python/links.ts'
import { GENERATED_FOLDER } from '../python/native-extensions.ts'
import { isStandardModule } from '../python/standard-library.ts'
import { fieldOf, textOf, walk } from '../python/syntax.ts'
import type { MinedKernel } from '../types.ts'
import { nativeIndex } from './native-index.ts'
import type { CalledName, NativeIndex } from './native-index.ts'
import { nativeKernelNames } from './native-kernels.ts'

/** What a part of the code itself has to do with kernels. */
export interface PartKernels {
  /** Kernels it defines. */
  readonly kernels: readonly MinedKernel[]
  /** Native sources it compiles. */
  readonly sources: readonly string[]
  /** Operators it calls by their last name: `op` of `torch.ops.ns.op`, `fn` of `extension.fn`. */
  readonly operators: readonly string[]
  /** What it calls of extensions that an installer builds. */
  readonly installed: readonly CalledName[]
}

/** Kernels by the places that define, compile or call them. */
export interface KernelLookup {
  readonly byPath: ReadonlyMap<string, readonly MinedKernel[]>
  /** The kernels of parts taken together, in order of path and line. */
  kernelsOf(parts: readonly PartKernels[]): MinedKernel[]
}

/** Prepares looking up kernels. `files` holds the texts of native sources. */
export function kernelLookup(kernels: readonly MinedKernel[], files: ReadonlyMap<string, string>): KernelLookup {
  const byPath = Map.groupBy(kernels, ({ path }) => path)
  const namesIn = nativeKernelNames(files)
  let index: NativeIndex | undefined
  return {
    byPath,
    kernelsOf: (parts) => {
      const found = new Set(parts.flatMap((part) => part.kernels))
      const sources = [...new Set(parts.flatMap((part) => part.sources))]
      if (sources.length > 0) {
        const symbols = namesIn(sources, new Set(parts.flatMap((part) => part.operators)))
        for (const path of sources) {
          for (const kernel of byPath.get(path) ?? []) if (symbols.has(kernel.symbol)) found.add(kernel)
        }
      }
      // What a library was made for has been told exactly; whatever else is called may be installed.
      const made = sources.filter((path) => path.startsWith(GENERATED_FOLDER)).map((path) => files.get(path) ?? '')
      const isInstalled = ({ name }: CalledName): boolean => !made.some((text) => text.includes(`"${name}`))
      if (sources.length === 0 || made.length > 0) {
        index ??= nativeIndex(kernels, files)
        const called = parts.flatMap(({ installed }) => installed.filter(isInstalled))
        for (const kernel of index.kernelsBehind(called)) found.add(kernel)
      }
      return [...found].toSorted((a, b) => (a.path === b.path ? a.startLine - b.startLine : a.path < b.path ? -1 : 1))
    },
  }
}

/** Says of parts of statements what they have to do with kernels, each once. */
export function kernelsOfParts({
  byPath,
}: Pick<KernelLookup, 'byPath'>): (linked: LinkedStatement, part: LinkedPart | LinkedMember) => PartKernels {
  const known = new WeakMap<LinkedPart, PartKernels>()
  return (linked, part) => {
    const found = known.get(part) ?? partKernels(byPath.get(linked.unit.module.path) ?? [], linked, part)
    known.set(part, found)
    return found
  }
}

function partKernels(
  candidates: readonly MinedKernel[],
  { unit, members }: LinkedStatement,
  part: LinkedPart | LinkedMember,
): PartKernels {
  const isMember = 'span' in part
  const whole = isMember ? part.span : unit.statement.node
  const gaps = isMember ? [] : [...unit.dropped, ...members.map(({ span }) => span)]
  const names = calledNames(part.links)
  const results = calledOnResults(unit, whole, gaps).map((name): CalledName => ({ name, extension: null }))
  return {
    kernels: kernelsWithin(unit, candidates, whole, gaps),
    sources: isMember ? [] : unit.rewrites.flatMap((rewrite) => rewrite.sources),
    operators: names.operators,
    installed: [...names.installed, ...results],
  }
}

function kernelsWithin(
  { module }: LinkedStatement['unit'],
  candidates: readonly MinedKernel[],
  whole: Span,
  gaps: readonly Span[],
): MinedKernel[] {
  if (candidates.length === 0) return []
  const lines = ({ start, end }: Span): [number, number] => [module.file.lineOf(start), module.file.lineOf(end - 1)]
  const [first, last] = lines(whole)
  const left = gaps.map(lines)
  return candidates.filter(({ startLine, endLine }) => {
    const isInside = first <= startLine && endLine <= last
    return isInside && !left.some(([from, to]) => from <= startLine && endLine <= to)
  })
}

/** What links call of code that is not Python: operators by their last name, and functions of extensions that an installer builds. */
export function calledNames(links: readonly Link[]): Pick<PartKernels, 'operators' | 'installed'> {
  const operators = new Set<string>()
  const installed = new Map<string, CalledName>()
  const add = (called: CalledName): unknown => installed.set(`${called.extension} ${called.name}`, called)
  for (const link of links) {
    if (link.to === 'definition') {
      const name = link.reference.parts.length > 1 ? link.reference.parts.at(-1) : undefined
      if (name === undefined) continue
      operators.add(name)
      add({ name, extension: null })
    }
    if (link.to !== 'external') continue
    const [top = '', second, , operator] = link.dotted
    if (second === 'ops' && operator !== undefined) operators.add(operator)
    if (top === 'torch' && second === 'ops' && operator !== undefined) add({ name: operator, extension: null })
    if (KNOWN_PACKAGES.has(top) || isStandardModule(top)) continue
    add({ name: link.dotted.at(-1) ?? '', extension: link.dotted.at(-2) ?? null })
  }
  return { operators: [...operators], installed: [...installed.values()] }
}

const KNOWN_PACKAGES = new Set(['torch', 'numpy', 'triton', 'scipy', 'einops', 'pytest', 'transformers'])

// `load_module().fn(x)`
function calledOnResults({ module, statement }: LinkedStatement['unit'], whole: Span, gaps: readonly Span[]): string[] {
  const isLeft = (span: Span): boolean => gaps.some((gap) => gap.start <= span.start && span.end <= gap.end)
  const isApart = (span: Span): boolean => span.end <= whole.start || whole.end <= span.start
  return [...walk(statement.node, (node) => !isLeft(node) && !isApart(node))].flatMap((node) => {
    if (isLeft(node) || isApart(node) || node.start < whole.start) return []
    const callee = node.type === 'call' ? fieldOf(node, 'function') : null
    const object = callee?.type === 'attribute' ? fieldOf(callee, 'object') : null
    const attribute = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
    return object?.type === 'call' && attribute !== null ? [textOf(module.file, attribute)] : []
  })
}
