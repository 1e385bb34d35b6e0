import type { Piece } from '../python/links.ts'
import type { ModuleStatement, PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { argumentsOf, fieldOf, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'

/** A function that stands in for an operator of ATen, and where that is said. */
export interface AtenOverride {
  /** `add` of `add.Tensor`. */
  readonly name: string
  /** `Tensor` of `add.Tensor`; empty for the default overload. */
  readonly overload: string
  readonly module: PythonModule
  readonly entry: SyntaxNode
  readonly implementation: Piece
}

/** A table of `("aten name", function)` entries at the top of a module that overrides ATen. */
export interface AtenTable {
  /** Its dotted name. */
  readonly dotted: string
  readonly module: PythonModule
  readonly overrides: readonly AtenOverride[]
}

// `torch.library.Library("aten", "IMPL")`
const OPENS_ATEN = /\bLibrary\(\s*["']aten["']/
// Fewer pairs of a text and a name may be anything.
const MIN_ENTRIES = 5

/** The tables of operators that modules which open ATen for overriding hold. */
export function atenTables(project: PythonProject): AtenTable[] {
  return openingModules(project).flatMap((module) =>
    module.statements.flatMap((statement) => {
      const overrides = tableEntries(module, statement)
      const [name] = statement.binds
      return overrides.length < MIN_ENTRIES || name === undefined
        ? []
        : [{ dotted: `${module.dotted}.${name}`, module, overrides }]
    }),
  )
}

/** The context managers that switch tables on: classes and functions beside a table that open ATen themselves. */
export function overridingContexts(tables: readonly AtenTable[]): string[] {
  return tables.flatMap(({ module }) =>
    module.statements.flatMap(({ node, kind, binds }) => {
      const text = kind === 'definition' ? textOf(module.file, node) : ''
      const isContext = text.includes('__enter__') || text.includes('contextmanager')
      return isContext && OPENS_ATEN.test(text) ? [...binds] : []
    }),
  )
}

/** Every function that a repository registers for an operator of ATen, by table or one by one. */
export function atenOverrides(project: PythonProject): AtenOverride[] {
  const single = openingModules(project).flatMap((module) =>
    module.statements.flatMap((statement) => singleOverrides(module, statement)),
  )
  return [...atenTables(project).flatMap(({ overrides }) => overrides), ...single]
}

const NOT_COMPARABLE =
  /rand|bernoulli|multinomial|normal_|uniform|exponential|dropout|poisson|geometric|cauchy|log_normal|empty|_backward|copy|resize|set_|view|expand|permute|transpose|reshape|slice|select$|narrow|squeeze|^to$|_to_copy|contiguous|stride|size|is_/

/**
 * Whether an operator's result is a function of its inputs that can be compared: no random numbers, nothing written in place or to
 * `out`, and more than another view of the same numbers.
 */
export function isComparableOperator(name: string, overload: string): boolean {
  const isInPlace = /[a-z0-9]_$/.test(name) || /^__i\w+__$/.test(name)
  return !isInPlace && !/(?:^|_)out$/.test(overload) && !NOT_COMPARABLE.test(name)
}

function openingModules(project: PythonProject): PythonModule[] {
  return project.paths.flatMap((path) => {
    const module = OPENS_ATEN.test(project.files.get(path) ?? '') ? project.module(path) : null
    return module === null ? [] : [module]
  })
}

function tableEntries(module: PythonModule, { node }: ModuleStatement): AtenOverride[] {
  const assignment = node.type === 'expression_statement' ? node.children[0] : undefined
  const table = assignment?.type === 'assignment' ? fieldOf(assignment, 'right') : null
  if (table === null || (table.type !== 'tuple' && table.type !== 'list')) return []
  return table.children.flatMap((entry) => {
    const [key, implementation] = entry.type === 'tuple' ? entry.children : []
    return overrideOf(module, entry, key, implementation)
  })
}

// `library.impl("aten::silu", silu, "CUDA")`
function singleOverrides(module: PythonModule, { node }: ModuleStatement): AtenOverride[] {
  if (!textOf(module.file, node).includes('.impl(')) return []
  return [...walk(node)].flatMap((call) => {
    const callee = call.type === 'call' ? fieldOf(call, 'function') : null
    const method = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
    if (method === null || textOf(module.file, method) !== 'impl') return []
    const [key, implementation] = argumentsOf(module.file, call).positional
    return overrideOf(module, call, key, implementation)
  })
}

function overrideOf(
  module: PythonModule,
  entry: SyntaxNode,
  key: SyntaxNode | undefined,
  implementation: SyntaxNode | undefined,
): AtenOverride[] {
  if (key?.type !== 'string' || implementation === undefined) return []
  if (implementation.type !== 'identifier' && implementation.type !== 'attribute') return []
  const text = textOf(module.file, key)
    .replaceAll(/["']/g, '')
    .replace(/^aten::/, '')
  const [name = '', overload = ''] = text.split('.')
  if (!/^\w+$/.test(name)) return []
  return [
    { name, overload, module, entry, implementation: { module, node: implementation, isLocal: () => false, skip: [] } },
  ]
}
