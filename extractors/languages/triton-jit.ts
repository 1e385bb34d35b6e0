import { allImports } from '../python/imports.ts'
import { argumentsOf, decoratorsOf, fieldOf, nameChain, textOf, undecorated, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'

/** A function that Triton compiles. */
export interface JitFunction {
  /** Name of the function itself, which launches use. */
  readonly name: string
  /** Name with the classes and functions around it: `Outer.kernel`. */
  readonly symbol: string
  /** The definition with its decorators. */
  readonly outer: SyntaxNode
  readonly definition: SyntaxNode
  /** Its decorators and, for the call form, the calls that were applied to it. */
  readonly wrappers: readonly SyntaxNode[]
}

/** The functions of a file that `triton.jit` is applied to, in order. */
export function findJitFunctions(file: PythonFile): JitFunction[] {
  const names = jitNames(file)
  const called = jitCalls(file, names)
  const found: JitFunction[] = []
  collect(file, file.root, [], (outer, path) => {
    const definition = undecorated(outer)
    const name = path.at(-1) ?? ''
    const decorators = decoratorsOf(outer)
    const wrappers = [...decorators, ...(called.get(name) ?? [])]
    if (definition.type !== 'function_definition' || !wrappers.some((node) => isJit(file, node, names))) return
    found.push({ name, symbol: path.join('.'), outer, definition, wrappers })
  })
  return found
}

/** Whether an expression is `triton.jit`, called with settings or not. */
function isJit(file: PythonFile, node: SyntaxNode, names: ReadonlySet<string>): boolean {
  const callee = node.type === 'call' ? fieldOf(node, 'function') : node
  const chain = callee === null ? null : nameChain(file, callee)
  return chain !== null && names.has(chain.join('.'))
}

const JIT = new Set(['triton.jit', 'triton.runtime.jit', 'triton.runtime.jit.jit'])

/**
 * The spellings of `triton.jit` in a file. A module named `triton` counts wherever it comes from: repositories re-export it
 * behind a check that it is installed (`from vllm.triton_utils import triton`).
 */
function jitNames(file: PythonFile): Set<string> {
  const names = new Set<string>()
  for (const { local, module, name, bound } of allImports(file)) {
    if (bound === 'triton' || name === 'triton') names.add(`${local}.jit`).add(`${local}.runtime.jit`)
    if (bound === 'triton.runtime' || (module === 'triton' && name === 'runtime')) names.add(`${local}.jit`)
    if (name !== null && JIT.has(`${module}.${name}`)) names.add(local)
  }
  for (const assignment of walk(file.root)) {
    const [left, right] = [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')]
    if (assignment.type !== 'assignment' || left?.type !== 'identifier' || right === null) continue
    const chain = nameChain(file, right)
    if (chain !== null && names.has(chain.join('.'))) names.add(textOf(file, left))
  }
  return names
}

// `k = triton.jit(f)`, `k = triton.autotune(...)(triton.jit(f))`: function name to the calls around it.
function jitCalls(file: PythonFile, names: ReadonlySet<string>): Map<string, SyntaxNode[]> {
  const calls = new Map<string, SyntaxNode[]>()
  for (const node of walk(file.root, (inner) => inner.type !== 'decorator')) {
    if (node.type !== 'call' || !isJit(file, node, names)) continue
    const { positional, keywords } = argumentsOf(file, node)
    const wrapped = positional[0] ?? keywords.get('fn')
    if (wrapped?.type !== 'identifier') continue
    const name = textOf(file, wrapped)
    calls.set(name, [...(calls.get(name) ?? []), node])
  }
  return calls
}

type Visit = (outer: SyntaxNode, path: readonly string[]) => void

function collect(file: PythonFile, node: SyntaxNode, path: readonly string[], visit: Visit): void {
  const definition = undecorated(node)
  const name = fieldOf(definition, 'name')
  const named = definition.type === 'function_definition' || definition.type === 'class_definition'
  const inner = named && name !== null ? [...path, textOf(file, name)] : path
  if (inner !== path) visit(node, inner)
  for (const child of inner === path ? node.children : definition.children) collect(file, child, inner, visit)
}
