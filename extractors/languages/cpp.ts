import { z } from 'zod'
import type { FoundKernels, KernelSpan, KernelUse, Language, SourceText } from '../types.ts'
import { findCppFunctions } from './cpp-functions.ts'
import type { CppFunction } from './cpp-functions.ts'
import { launchSitesOf, roleOf } from './kernel-uses.ts'
import { lineTable } from './line-table.ts'
import { parseSyntax } from './syntax-tree.ts'
import type { SyntaxNode } from './syntax-tree.ts'

const Options = z.strictObject({}).describe('No settings')

/**
 * C++ kernels for the processor. A function counts when all of this holds:
 *
 * 1. It is exported from its file, or called, directly or through others of the file, by a function that is. Exported means
 *    defined with `extern "C"`, or named in a `def` or `impl` call of a `TORCH_LIBRARY*`, `STABLE_TORCH_LIBRARY*` or
 *    `PYBIND11_MODULE` block.
 * 2. It has a pointer parameter, or takes the address of a tensor's data (`data_ptr`, `accessor` and their relatives).
 * 3. In a loop, or in the body it hands to `parallel_for`, it reads or writes through a subscript or a pointer.
 *
 * Wrappers that only check and call are launchers, not kernels. A kernel that only other kernels call is a helper. OpenMP and
 * vector code need no extra rule: both stand in such loops.
 */
export const cpp: Language<z.infer<typeof Options>> = {
  id: 'cpp',
  version: 1,
  summary: 'C++ kernels for the processor: exported loops over pointers and tensors',
  options: Options,
  extensions: ['.cpp', '.cc', '.cxx', '.c'],
  findKernels,
}

async function findKernels(source: SourceText): Promise<FoundKernels> {
  // What exports a function is always spelled out; files without it need no parser.
  if (!EXPORT_WORD.test(source.text)) return { kernels: [], skipped: [], uses: [] }
  const { root, failure } = await parseSyntax('cpp', source.text)
  if (root === null) return { kernels: [], skipped: [{ symbol: source.path, line: 1, reason: failure }], uses: [] }
  const functions = findCppFunctions(source.text, root)
  const reachable = reachableFrom(functions)
  const kernels = functions.filter((found) => reachable.has(found.name) && isKernel(source.text, found))
  const uses = usesOfKernels(source.text, functions, kernels)
  return { kernels: kernels.map((found) => toKernel(source.text, found, uses)), skipped: [], uses }
}

const EXPORT_WORD = /extern\s*"C"|TORCH_LIBRARY|PYBIND11_MODULE/

function reachableFrom(functions: readonly CppFunction[]): Set<string> {
  const byName = Map.groupBy(functions, ({ name }) => name)
  const reached = new Set<string>()
  const open = functions.filter(({ isExported }) => isExported).map(({ name }) => name)
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue
    reached.add(name)
    for (const found of byName.get(name) ?? []) open.push(...found.calls.map((call) => call.name))
  }
  return reached
}

const LOOPS = new Set(['for_statement', 'while_statement', 'do_statement', 'for_range_loop'])
const DATA_ACCESS = /\b(?:(?:const_|mutable_)?data_ptr|packed_accessor(?:32|64)?|accessor)\b/

function isKernel(text: string, { definition, parameters, calls }: CppFunction): boolean {
  const body = definition.children.find(({ field }) => field === 'body')
  if (body === undefined) return false
  const takesPointer = contains(parameters, ({ type }) => type === 'pointer_declarator' || type === 'array_declarator')
  if (!takesPointer && !DATA_ACCESS.test(text.slice(body.start, body.end))) return false
  const parallel = calls.filter(({ name }) => name === 'parallel_for').map(({ node }) => node)
  const loops = [...descendants(body)].filter(({ type }) => LOOPS.has(type))
  return [...loops, ...parallel].some((loop) => contains(loop, (node) => isElementAccess(text, node)))
}

function isElementAccess(text: string, node: SyntaxNode): boolean {
  if (node.type === 'subscript_expression') return true
  return node.type === 'pointer_expression' && text[node.start] === '*'
}

function usesOfKernels(text: string, functions: readonly CppFunction[], kernels: readonly CppFunction[]): KernelUse[] {
  const lineOf = lineTable(text)
  const kernelNames = new Set(kernels.map(({ name }) => name))
  const isKernelBody = new Set(kernels)
  // Whoever loads the library may call what it exports.
  const exported = kernels
    .filter(({ isExported }) => isExported)
    .map(({ name, definition }) => useAt(name, 'host', lineOf(definition.start), null))
  const called = functions.flatMap((caller) =>
    caller.calls
      .filter(({ name }) => kernelNames.has(name) && name !== caller.name)
      .map(({ name, node }) =>
        useAt(name, isKernelBody.has(caller) ? 'device' : 'launch', lineOf(node.start), caller.name),
      ),
  )
  return [...exported, ...called]
}

function useAt(symbol: string, kind: KernelUse['kind'], line: number, caller: string | null): KernelUse {
  return { symbol, kind, line, function: caller, module: null }
}

function toKernel(text: string, found: CppFunction, uses: readonly KernelUse[]): KernelSpan {
  const lineOf = lineTable(text)
  const own = uses.filter(({ symbol }) => symbol === found.name)
  return {
    symbol: found.name,
    role: roleOf(own),
    signature: text.slice(found.parameters.start, found.parameters.end),
    startLine: lineOf(found.outer.start),
    endLine: lineOf(found.outer.end - 1),
    launchSites: launchSitesOf(found.name, own),
    autotuneConfigs: 0,
  }
}

function contains(node: SyntaxNode, matches: (node: SyntaxNode) => boolean): boolean {
  return matches(node) || node.children.some((child) => contains(child, matches))
}

function* descendants(node: SyntaxNode): Generator<SyntaxNode> {
  yield node
  for (const child of node.children) yield* descendants(child)
}
