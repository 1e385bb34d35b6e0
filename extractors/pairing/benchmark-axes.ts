import { evaluate } from '../python/evaluation.ts'
import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { argumentsOf, decoratorsOf, fieldOf, nameChain, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { Value } from '../python/values.ts'
import type { Axis } from './test-axes.ts'

/** What `triton.testing.perf_report` above a function says of its parameters. */
export interface BenchmarkReport {
  /** The parameter that names the implementation. */
  readonly provider: string
  /** Its values; empty where they cannot be told. */
  readonly providers: readonly string[]
  /** Sizes and constants. */
  readonly axes: readonly Axis[]
}

/**
 * Reads `@triton.testing.perf_report(triton.testing.Benchmark(x_names, x_vals, line_arg, line_vals, args))` above a function, or null
 * where there is none. Of a list of benchmarks the first one counts.
 */
export function benchmarkReport(
  project: PythonProject,
  module: PythonModule,
  outer: SyntaxNode,
): BenchmarkReport | null {
  const decorator = decoratorsOf(outer).find((node) => {
    const callee = node.type === 'call' ? fieldOf(node, 'function') : null
    return callee !== null && nameChain(module.file, callee)?.at(-1) === 'perf_report'
  })
  const [given] = decorator === undefined ? [] : argumentsOf(module.file, decorator).positional
  const call = given === undefined ? null : benchmarkCall(module, given)
  if (call === null) return null
  const { keywords } = argumentsOf(module.file, call)
  const value = (name: string): Value | null => {
    const node = keywords.get(name)
    return node === undefined ? null : evaluate({ project, module, locals: new Map() }, node)
  }
  const provider = value('line_arg')
  if (provider?.kind !== 'text') return null
  const sizes = sizeAxis(textsIn(value('x_names')), value('x_vals'))
  const constants = constantAxes(module, keywords.get('args'), value('args'))
  return { provider: provider.value, providers: textsIn(value('line_vals')), axes: [...sizes, ...constants] }
}

// The call itself, or the first one in a list, in a constant, or in what is appended to one.
function benchmarkCall(module: PythonModule, node: SyntaxNode): SyntaxNode | null {
  const isBenchmark = (inner: SyntaxNode): boolean => {
    const callee = inner.type === 'call' ? fieldOf(inner, 'function') : null
    return callee !== null && nameChain(module.file, callee)?.at(-1) === 'Benchmark'
  }
  const below = [...walk(node)].find(isBenchmark)
  if (below !== undefined) return below
  if (node.type !== 'identifier') return null
  const name = textOf(module.file, node)
  const statements = module.statements.filter(
    (statement) => statement.binds.has(name) || textOf(module.file, statement.node).startsWith(`${name}.`),
  )
  return statements.flatMap((statement) => [...walk(statement.node)]).find(isBenchmark) ?? null
}

function textsIn(value: Value | null): string[] {
  return value?.kind === 'sequence' ? value.items.flatMap((item) => (item.kind === 'text' ? [item.value] : [])) : []
}

// A number for several names is the value of each: benchmarks of square matrices write it so.
function sizeAxis(names: readonly string[], values: Value | null): Axis[] {
  if (names.length === 0) return []
  const rows = values?.kind === 'sequence' ? values.items.map((item) => rowOf(item, names.length)) : []
  const known = rows.filter((row) => row !== null)
  return [{ names, rows: known.length > 0 && known.length === rows.length ? known : null }]
}

function rowOf(item: Value, width: number): readonly Value[] | null {
  if (item.kind !== 'sequence') return Array.from({ length: width }, () => item)
  if (width === 1 && item.items.length !== 1) return [item]
  return item.items.length === width ? item.items : null
}

// Also names whose values cannot be told are known to exist.
function constantAxes(module: PythonModule, node: SyntaxNode | undefined, value: Value | null): Axis[] {
  if (value?.kind === 'dictionary') {
    return value.entries.flatMap(([key, item]) => (key.kind === 'text' ? [{ names: [key.value], rows: [[item]] }] : []))
  }
  const pairs = node?.type === 'dictionary' ? node.children : []
  return pairs.flatMap((pair) => {
    const key = fieldOf(pair, 'key')
    return key?.type === 'string' ? [{ names: [textOf(module.file, key).replaceAll(/["']/g, '')], rows: null }] : []
  })
}
