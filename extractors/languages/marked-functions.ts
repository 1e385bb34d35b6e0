import type { Node } from 'web-tree-sitter'
import type { FoundKernels, KernelSpan, KernelUse, SkippedKernel, SourceText } from '../types.ts'
import { blankText, matchingBracket } from './c-text.ts'
import type { BlankedText } from './c-text.ts'
import { firstCode, readFunctionHead } from './c-functions.ts'
import type { FunctionHead } from './c-functions.ts'
import { kernelMacros, nameOf } from './kernel-macros.ts'
import type { KernelMacros } from './kernel-macros.ts'
import { launchSitesOf } from './kernel-uses.ts'
import { lineTable } from './line-table.ts'
import { withSyntaxTree } from './syntax-tree.ts'

/** How a language of the C family marks a function as a kernel. */
export interface KernelMark {
  /** The word, as it may be spelled in code. Without `g`. */
  readonly word: RegExp
  /** Whether tree-sitter-cuda reads the language; matching braces give all spans where it does not. */
  readonly hasGrammar: boolean
  /** The launches in a file. */
  readonly findLaunches: (file: SourceText, blanked: BlankedText) => KernelUse[]
}

/**
 * Functions with a body that carry the mark, found in the text with comments and strings blanked: a parser loses those of files that
 * use macros. The tree gives the span where it read the function without an error. Declarations and explicit instantiations are
 * no kernels. A mark inside a `#define` is reported as skipped: its text is a template for kernels, not one.
 */
export async function findMarkedKernels(file: SourceText, mark: KernelMark): Promise<FoundKernels> {
  const isOurs = mark.word.test(file.text)
  if (!isOurs && !file.text.includes('<<<')) return { kernels: [], skipped: [], uses: [] }
  const blanked = blankText(file.text)
  const macros = kernelMacros(blanked, mark.word)
  const heads = findHeads(blanked, macros)
  const skipped = skippedKernels(file, blanked, heads, macros)
  const uses = mark.findLaunches(file, blanked)
  const definitions = heads.filter((head) => head.bodyStart !== null)
  if (definitions.length === 0) return { kernels: [], skipped, uses }
  const treeSpans = mark.hasGrammar ? await spansFromTree(file.text, definitions) : []
  const kernels = definitions.map((head, index) => toKernel(file, blanked, head, treeSpans[index] ?? null, uses))
  return { kernels, skipped, uses }
}

interface MarkedHead extends FunctionHead {
  /** Where the mark stands. */
  readonly marker: number
}

// With the first branch of every `#if` alone, a head whose branches each hold a part of it is whole; marks in later branches are
// read from all of the text, and give no second kernel where they lead to the same body.
function findHeads({ code, singleBranch }: BlankedText, { word, heads }: KernelMacros): MarkedHead[] {
  const first = [...headsIn(singleBranch, word), ...heads.flatMap((macro) => usesOfMacro(singleBranch, macro))]
  const known = new Set(first.map(({ marker }) => marker))
  const bodies = new Set(first.map(({ bodyStart }) => bodyStart).filter((start) => start !== null))
  const later = headsIn(code, word).filter(({ marker, bodyStart }) => {
    return !known.has(marker) && (bodyStart === null || !bodies.has(bodyStart))
  })
  return [...first, ...later].toSorted((a, b) => a.marker - b.marker)
}

// `KERNEL(scale, float) { ... }`; without a body it is a declaration.
function usesOfMacro(code: string, macro: string): MarkedHead[] {
  return [...code.matchAll(new RegExp(`\\b${macro}\\s*\\(`, 'g'))].flatMap(({ index, 0: { length } }) => {
    const open = index + length - 1
    const close = matchingBracket(code, open)
    const bodyStart = close === null ? 0 : firstCode(code, close + 1)
    const name = /^\(\s*(\w+)/.exec(code.slice(open, open + 200))?.[1]
    if (close === null || name === undefined || code[bodyStart] !== '{') return []
    const parameters = { parametersStart: open, parametersEnd: close + 1 }
    return [{ name, nameStart: index, ...parameters, bodyStart, marker: index }]
  })
}

// A head that cannot be read has no body, like a declaration; it is told apart by an empty name.
function headsIn(code: string, word: RegExp): MarkedHead[] {
  const markers = [...code.matchAll(new RegExp(word, 'g'))]
  return markers.map((match, at) => {
    const limit = markers[at + 1]?.index ?? code.length
    const head = readFunctionHead(code, match.index + match[0].length, limit)
    return { ...(head ?? UNREADABLE), marker: match.index }
  })
}

const UNREADABLE: FunctionHead = { name: '', nameStart: 0, parametersStart: 0, parametersEnd: 0, bodyStart: null }

function skippedKernels(
  file: SourceText,
  { code }: BlankedText,
  heads: readonly MarkedHead[],
  { word, templates }: KernelMacros,
): SkippedKernel[] {
  const lineOf = lineTable(file.text)
  const unreadable = heads.filter((head) => head.name === '' && !isInstantiation(code, head.marker))
  return [
    ...templates.map(({ argument, start }) => ({
      symbol: nameOf(argument),
      line: lineOf(start),
      reason: 'kernel_macro',
    })),
    ...unreadable.map((head) => ({
      symbol: file.text.slice(head.marker).match(word)?.[0] ?? '',
      line: lineOf(head.marker),
      reason: isFilledIn(file.text, head.marker) ? 'kernel_template' : 'unreadable_signature',
    })),
  ]
}

// `template [[host_name("scale_half")]] kernel scale_t scale<half>;`: ends without having had parameters.
function isInstantiation(code: string, marker: number): boolean {
  return /^[^;{}()]*;/.test(code.slice(marker, marker + 2000))
}

// The brackets of Jinja and its kin, between the mark and what would be the body.
function isFilledIn(text: string, marker: number): boolean {
  return /^[^;]{0,1000}?(?:\{\{|\{%)/.test(text.slice(marker, marker + 1002))
}

interface Span {
  readonly start: number
  readonly end: number
}

async function spansFromTree(text: string, heads: readonly MarkedHead[]): Promise<(Span | null)[]> {
  return withSyntaxTree('cuda', text, (root) => heads.map((head) => spanInTree(root, head)), [])
}

function spanInTree(root: Node, head: MarkedHead): Span | null {
  for (let node = root.descendantForIndex(head.nameStart); node !== null; node = node.parent) {
    if (node.type !== 'function_definition') continue
    if (node.hasError || node.startIndex > head.marker || node.endIndex <= (head.bodyStart ?? 0)) return null
    const outer = node.parent?.type === 'template_declaration' ? node.parent : node
    return { start: outer.startIndex, end: outer.endIndex }
  }
  return null
}

function spanFromBraces({ code, singleBranch }: BlankedText, head: MarkedHead): Span {
  const open = head.bodyStart ?? head.marker
  const balanced = singleBranch[open] === '{' ? singleBranch : code
  const before = Math.max(...[';', '{', '}'].map((stop) => code.lastIndexOf(stop, head.marker)))
  return { start: firstCode(code, before + 1), end: (matchingBracket(balanced, open) ?? code.length - 1) + 1 }
}

function toKernel(
  file: SourceText,
  blanked: BlankedText,
  head: MarkedHead,
  treeSpan: Span | null,
  uses: readonly KernelUse[],
): KernelSpan {
  const lineOf = lineTable(file.text)
  const span = treeSpan ?? spanFromBraces(blanked, head)
  return {
    symbol: head.name,
    role: 'entry',
    signature: signatureOf(file.text, blanked, head),
    startLine: lineOf(span.start),
    endLine: lineOf(span.end - 1),
    launchSites: launchSitesOf(head.name, uses),
    autotuneConfigs: 0,
  }
}

// As written, but where the preprocessor chooses: then as one of its branches has it.
function signatureOf(text: string, { code, singleBranch }: BlankedText, head: MarkedHead): string {
  const { parametersStart: start, parametersEnd: end } = head
  const written = text.slice(start, end)
  if (!/^[ \t]*#/m.test(written)) return written
  return (singleBranch[start] === '(' ? singleBranch : code).slice(start, end).replaceAll(/\n\s*\n/g, '\n')
}
