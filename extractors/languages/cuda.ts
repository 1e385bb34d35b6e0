import { z } from 'zod'
import type { Node } from 'web-tree-sitter'
import type { FoundKernels, KernelSpan, KernelUse, Language, SkippedKernel, SourceText } from '../types.ts'
import { blankText, matchingBracket } from './c-text.ts'
import type { BlankedText } from './c-text.ts'
import { findFunctions, firstCode, functionAround, readFunctionHead } from './c-functions.ts'
import type { FunctionHead } from './c-functions.ts'
import { launchSitesOf } from './kernel-uses.ts'
import { lineTable } from './line-table.ts'
import { withSyntaxTree } from './syntax-tree.ts'

const Options = z.strictObject({}).describe('No settings')

/**
 * CUDA C++ kernels: definitions marked `__global__`. They are found in the text with comments and strings blanked, since
 * tree-sitter-cuda 0.21 loses up to a tenth of them in files that use macros; the tree gives the span where it read
 * the function without an error, and matching braces give it elsewhere. Declarations and explicit instantiations are no kernels.
 * A `__global__` inside a `#define` is reported as skipped: its text is a template for kernels, not one.
 */
export const cuda: Language<z.infer<typeof Options>> = {
  id: 'cuda',
  version: 1,
  summary: 'CUDA C++ kernels (`__global__` functions) in .cu and .cuh files',
  options: Options,
  extensions: ['.cu', '.cuh'],
  findKernels,
}

async function findKernels(file: SourceText): Promise<FoundKernels> {
  const blanked = blankText(file.text)
  const heads = findHeads(blanked)
  const skipped = skippedKernels(file, blanked, heads)
  const uses = findLaunches(file, blanked)
  const definitions = heads.filter((head) => head.bodyStart !== null)
  if (definitions.length === 0) return { kernels: [], skipped, uses }
  const treeSpans = await spansFromTree(file.text, definitions)
  const kernels = definitions.map((head, index) => toKernel(file, blanked, head, treeSpans[index] ?? null, uses))
  return { kernels, skipped, uses }
}

interface GlobalHead extends FunctionHead {
  /** Where `__global__` stands. */
  readonly marker: number
}

// A head that cannot be read has no body, like a declaration; it is told apart by an empty name.
function findHeads({ code }: BlankedText): GlobalHead[] {
  const markers = [...code.matchAll(/\b__global__\b/g)].map((match) => match.index)
  return markers.map((marker, index) => {
    const limit = markers[index + 1] ?? code.length
    const head = readFunctionHead(code, marker + '__global__'.length, limit)
    return { ...(head ?? UNREADABLE), marker }
  })
}

const UNREADABLE: FunctionHead = { name: '', nameStart: 0, parametersStart: 0, parametersEnd: 0, bodyStart: null }

function skippedKernels(file: SourceText, blanked: BlankedText, heads: readonly GlobalHead[]): SkippedKernel[] {
  const lineOf = lineTable(file.text)
  const macros = blanked.directives.filter(({ name, argument }) => name === 'define' && /\b__global__\b/.test(argument))
  const unreadable = heads.filter((head) => head.name === '')
  return [
    ...macros.map(({ argument, start }) => ({
      symbol: /^\w+/.exec(argument)?.[0] ?? '',
      line: lineOf(start),
      reason: 'kernel_macro',
    })),
    ...unreadable.map((head) => ({ symbol: '__global__', line: lineOf(head.marker), reason: 'unreadable_signature' })),
  ]
}

interface Span {
  readonly start: number
  readonly end: number
}

async function spansFromTree(text: string, heads: readonly GlobalHead[]): Promise<(Span | null)[]> {
  return withSyntaxTree('cuda', text, (root) => heads.map((head) => spanInTree(root, head)), [])
}

function spanInTree(root: Node, head: GlobalHead): Span | null {
  for (let node = root.descendantForIndex(head.nameStart); node !== null; node = node.parent) {
    if (node.type !== 'function_definition') continue
    if (node.hasError || node.startIndex > head.marker || node.endIndex <= (head.bodyStart ?? 0)) return null
    const outer = node.parent?.type === 'template_declaration' ? node.parent : node
    return { start: outer.startIndex, end: outer.endIndex }
  }
  return null
}

function spanFromBraces({ code, singleBranch }: BlankedText, head: GlobalHead): Span {
  const open = head.bodyStart ?? head.marker
  const balanced = singleBranch[open] === '{' ? singleBranch : code
  const before = Math.max(...[';', '{', '}'].map((stop) => code.lastIndexOf(stop, head.marker)))
  return { start: firstCode(code, before + 1), end: (matchingBracket(balanced, open) ?? code.length - 1) + 1 }
}

function toKernel(
  file: SourceText,
  blanked: BlankedText,
  head: GlobalHead,
  treeSpan: Span | null,
  uses: readonly KernelUse[],
): KernelSpan {
  const lineOf = lineTable(file.text)
  const span = treeSpan ?? spanFromBraces(blanked, head)
  return {
    symbol: head.name,
    role: 'entry',
    signature: file.text.slice(head.parametersStart, head.parametersEnd),
    startLine: lineOf(span.start),
    endLine: lineOf(span.end - 1),
    launchSites: launchSitesOf(head.name, uses),
    autotuneConfigs: 0,
  }
}

// `kernel<T, 4><<<grid, block>>>(...)`, and names whose address goes to cudaLaunchKernel and its relatives.
function findLaunches(file: SourceText, { code, singleBranch }: BlankedText): KernelUse[] {
  const lineOf = lineTable(file.text)
  const functions = findFunctions(singleBranch)
  const launch = (symbol: string, at: number): KernelUse => ({
    symbol,
    kind: 'launch',
    line: lineOf(at),
    function: functionAround(functions, at)?.name ?? null,
    module: null,
  })
  const chevrons = [...code.matchAll(/<<</g)].flatMap(({ index }) => {
    const symbol = launchedName(code, index)
    return symbol === null ? [] : [launch(symbol, index)]
  })
  const calls = [...code.matchAll(/\b(?:cuda|hip|cu)Launch\w*Kernel\w*\s*\(/g)].flatMap(({ index }) => {
    const symbol = /[(,&)]\s*(?:\(\s*(?:const\s+)?void\s*\*\s*\)\s*)?&?\s*((?:\w+::)*\w+)/.exec(code.slice(index))?.[1]
    return symbol === undefined ? [] : [launch(unqualified(symbol), index)]
  })
  return [...chevrons, ...calls]
}

function launchedName(code: string, chevrons: number): string | null {
  let end = chevrons
  while (/\s/.test(code[end - 1] ?? '')) end -= 1
  if (code[end - 1] === '>') {
    let depth = 0
    let at = end - 1
    for (; at >= 0; at -= 1) {
      if (code[at] === '>') depth += 1
      else if (code[at] === '<' && (depth -= 1) === 0) break
    }
    end = at
  }
  const name = /((?:\w+\s*::\s*)*\w+)\s*$/.exec(code.slice(Math.max(0, end - 200), Math.max(0, end)))?.[1]
  return name === undefined ? null : unqualified(name)
}

function unqualified(name: string): string {
  return name.split('::').at(-1)?.trim() ?? name
}
