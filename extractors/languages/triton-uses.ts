import { allImports, isImport } from '../python/imports.ts'
import type { ImportedName } from '../python/imports.ts'
import { argumentsOf, fieldOf, nameChain, textOf, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import type { KernelUse } from '../types.ts'
import type { JitFunction } from './triton-jit.ts'

/**
 * Every place in a file that may name a kernel: launches (`k[grid](...)`, `k.run(...)`, also through a variable), mentions by
 * host code and calls by device code. Imported names may mean anything; who knows all kernels decides.
 */
export function findUses(
  file: PythonFile,
  functions: readonly JitFunction[],
  findLaunched: FindLaunched = subscriptLaunch,
): KernelUse[] {
  const scope: Scope = {
    file,
    findLaunched,
    own: new Set(functions.map(({ name }) => name)),
    device: new Set(functions.map(({ definition }) => definition)),
    imports: new Map(allImports(file).map((imported) => [imported.local, imported])),
    aliases: kernelAliases(file, functions),
  }
  return usesBelow(scope, file.root, null, { function: null, isDevice: false })
}

/** The expressions that name the kernels which a call launches; null where it launches none. */
export type FindLaunched = (file: PythonFile, call: SyntaxNode) => readonly SyntaxNode[] | null

/** Triton's launches: `k[grid](...)`, `k.run(...)`. */
export function subscriptLaunch(file: PythonFile, call: SyntaxNode): readonly SyntaxNode[] | null {
  const callee = fieldOf(call, 'function')
  if (callee === null) return null
  const kernel = callee.type === 'subscript' ? fieldOf(callee, 'value') : runKernel(file, callee)
  return kernel === null ? null : [kernel]
}

interface Scope {
  readonly file: PythonFile
  readonly findLaunched: FindLaunched
  readonly own: ReadonlySet<string>
  readonly device: ReadonlySet<SyntaxNode>
  readonly imports: ReadonlyMap<string, ImportedName>
  readonly aliases: ReadonlyMap<string, readonly SyntaxNode[]>
}

interface Place {
  readonly function: string | null
  readonly isDevice: boolean
}

function usesBelow(scope: Scope, node: SyntaxNode, parent: SyntaxNode | null, place: Place): KernelUse[] {
  if (isImport(node)) return []
  const launched = launchedKernel(scope, node)
  if (launched !== null && !place.isDevice) {
    const rest = node.children.filter((child) => child.field !== 'function')
    const named = launched.flatMap((kernel) => useOf(scope, kernel, 'launch', node, place))
    return [...named, ...rest.flatMap((child) => usesBelow(scope, child, node, place))]
  }
  const isName = node.type === 'identifier' || (node.type === 'attribute' && nameChain(scope.file, node) !== null)
  if (isName && isBinding(node, parent)) return []
  if (isName) return useOf(scope, node, place.isDevice ? 'device' : 'host', node, place)
  const inner = placeInside(scope, node, place)
  return node.children.flatMap((child) => usesBelow(scope, child, node, inner))
}

// Names that a definition, an assignment or a keyword argument introduces are no mention of a kernel.
function isBinding(node: SyntaxNode, parent: SyntaxNode | null): boolean {
  if (node.field === 'name') return parent?.type !== 'named_expression'
  return node.field === 'left' && parent?.type === 'assignment'
}

function placeInside(scope: Scope, node: SyntaxNode, place: Place): Place {
  if (node.type !== 'function_definition') return place
  const name = fieldOf(node, 'name')
  return {
    function: name === null ? place.function : textOf(scope.file, name),
    isDevice: place.isDevice || scope.device.has(node),
  }
}

// The kernels a call launches: more than one where a variable holds one of several.
function launchedKernel({ file, aliases, findLaunched }: Scope, call: SyntaxNode): readonly SyntaxNode[] | null {
  const kernels = call.type === 'call' ? findLaunched(file, call) : null
  if (kernels === null || kernels.some((kernel) => nameChain(file, kernel) === null)) return null
  return kernels.flatMap((kernel) => aliases.get(textOf(file, kernel)) ?? [kernel])
}

function runKernel(file: PythonFile, callee: SyntaxNode): SyntaxNode | null {
  const method = callee.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  if (method === null || !['run', 'warmup'].includes(textOf(file, method))) return null
  return fieldOf(callee, 'object')
}

// `kernel = fast_kernel if aligned else slow_kernel`, `kernel = triton.jit(function)`; `kernel = KERNELS[name]` is left to the
// mention in KERNELS.
function kernelAliases(file: PythonFile, functions: readonly JitFunction[]): Map<string, SyntaxNode[]> {
  const wrappers = new Set(functions.flatMap((found) => found.wrappers))
  const aliases = new Map<string, SyntaxNode[]>()
  for (const node of walk(file.root)) {
    const [left, right] = [fieldOf(node, 'left'), fieldOf(node, 'right')]
    if (node.type !== 'assignment' || left?.type !== 'identifier' || right === null) continue
    const values = right.type === 'conditional_expression' ? [right.children[0], right.children[2]] : [wrapped(right)]
    const names = values.filter((value) => value !== undefined).filter((value) => value.type === 'identifier')
    const name = textOf(file, left)
    if (names.length > 0) aliases.set(name, [...(aliases.get(name) ?? []), ...names])
  }
  return aliases

  function wrapped(value: SyntaxNode): SyntaxNode | undefined {
    const jit = value.type === 'call' ? [...walk(value)].find((node) => wrappers.has(node)) : undefined
    return jit === undefined ? value : argumentsOf(file, jit).positional[0]
  }
}

function useOf(scope: Scope, name: SyntaxNode, kind: KernelUse['kind'], at: SyntaxNode, place: Place): KernelUse[] {
  const chain = nameChain(scope.file, name) ?? []
  const [first = '', ...rest] = chain
  const imported = scope.imports.get(first)
  // `self._kernel[grid](x)`, `Layer._kernel[grid](x)`: a method that is a kernel.
  const member = kind === 'launch' && imported === undefined ? rest.at(-1) : undefined
  const own = rest.length === 0 ? first : (member ?? '')
  const isOwn = scope.own.has(own)
  // An imported name counts where it is launched or handed on as a value; `torch.empty(...)` and its like never are.
  if (!isOwn && (imported === undefined || (kind === 'host' && (at.field === 'function' || rest.length > 0)))) return []
  const module = isOwn || imported === undefined ? null : `${'.'.repeat(imported.level)}${imported.module}`
  const symbol = isOwn ? own : (rest.at(-1) ?? imported?.name ?? first)
  return [{ symbol, kind, line: scope.file.lineOf(at.start), function: place.function, module }]
}
