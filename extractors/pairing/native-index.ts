import { posix } from 'node:path'
import { findFunctions } from '../languages/c-functions.ts'
import { blankText } from '../languages/c-text.ts'
import type { MinedKernel } from '../types.ts'

/** What the native sources of a repository offer to Python by name. */
export interface NativeIndex {
  /** The kernels behind names that code calls, through any number of functions. */
  kernelsBehind(called: readonly CalledName[]): MinedKernel[]
}

/** A name that Python code calls of something that is not Python. */
export interface CalledName {
  readonly name: string
  /** The extension module it is called of, or null where that is not said. */
  readonly extension: string | null
}

interface Body {
  readonly path: string
  readonly text: string
  names?: readonly string[]
}

const NATIVE = /\.(?:cu|cuh|cpp|cc|cxx|c|h|hpp|hip|inl)$/

/**
 * Reads what native sources register: `m.def("name", fn)`, `m.impl("name", fn)`, functions with C linkage, and functions exported by
 * a macro over their names. Used for extensions that are built by an installer, whose sources no Python code names.
 */
export function nativeIndex(kernels: readonly MinedKernel[], files: ReadonlyMap<string, string>): NativeIndex {
  const bodies = new Map<string, Body[]>()
  const offered = new Map<string, Body[]>()
  const bySymbol = Map.groupBy(
    kernels.filter(({ path }) => NATIVE.test(path)),
    ({ symbol }) => symbol.split('::').at(-1) ?? symbol,
  )
  for (const [path, text] of bySymbol.size === 0 ? [] : files) {
    if (NATIVE.test(path)) readSource(path, text, bodies, offered)
  }
  const extensions = bySymbol.size === 0 ? new Map<string, readonly string[]>() : builtExtensions(files)
  const startsOf = ({ name, extension }: CalledName): Body[] => {
    const places = offered.get(name) ?? []
    const sources = extension === null ? undefined : extensions.get(extension)
    if (sources !== undefined) return places.filter(({ path }) => sources.some((source) => path.endsWith(source)))
    // `forward` of one of many extensions: which one cannot be told.
    return new Set(places.map(({ path }) => path)).size <= MAX_OFFERS ? places : []
  }
  const answers = new Map<string, MinedKernel[]>()
  const behind = (called: CalledName): MinedKernel[] => {
    const key = `${called.extension} ${called.name}`
    const answer = answers.get(key) ?? mentioned(startsOf(called), bodies, bySymbol)
    answers.set(key, answer)
    return answer
  }
  return { kernelsBehind: (called) => [...new Set(called.flatMap(behind))] }
}

const MAX_OFFERS = 2

/** `CUDAExtension(name="fused_rope", sources=["csrc/rope.cpp", "csrc/rope_cuda.cu"])` in a setup.py: module name to sources. */
export function builtExtensions(files: ReadonlyMap<string, string>): Map<string, readonly string[]> {
  const extensions = new Map<string, readonly string[]>()
  for (const [path, text] of files) {
    if (posix.basename(path) !== 'setup.py') continue
    for (const match of text.matchAll(/\b(?:CUDA|Cpp|Sycl|)Extension\s*\(/g)) {
      const call = callText(text, match.index + match[0].length - 1)
      const strings = [...call.matchAll(/(["'])([^"'\n]+)\1/g)].map((found) => found[2] ?? '')
      const name = /\bname\s*=\s*f?["']([^"']+)["']/.exec(call)?.[1] ?? strings[0]
      const sources = strings.filter((each) => NATIVE.test(each)).map((each) => each.replace(/^.*\{[^}]*\}\/?/, ''))
      if (name !== undefined && sources.length > 0) extensions.set(name.split('.').at(-1) ?? name, sources)
    }
  }
  return extensions
}

function callText(text: string, open: number): string {
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    else if (text[at] === ')' && (depth -= 1) === 0) return text.slice(open, at)
  }
  return text.slice(open)
}

function readSource(path: string, text: string, bodies: Map<string, Body[]>, offered: Map<string, Body[]>): void {
  const { singleBranch } = blankText(text)
  const add = (into: Map<string, Body[]>, name: string, value: string): void => {
    into.set(name, [...(into.get(name) ?? []), { path, text: value }])
  }
  const hasLinkage = /extern\s*"C"/.test(text)
  for (const { name: written, start, bodyStart, bodyEnd } of findFunctions(singleBranch)) {
    const name = written.split('::').at(-1) ?? written
    add(bodies, name, singleBranch.slice(bodyStart, bodyEnd))
    if (hasLinkage && !singleBranch.slice(start, bodyStart).includes('static')) add(offered, name, name)
  }
  for (const [, name = '', value = ''] of text.matchAll(MACRO)) add(bodies, name, value)
  for (const [, name = '', value = ''] of text.matchAll(REGISTRATION)) add(offered, name, value)
  for (const [, name = '', value = ''] of text.matchAll(EXPORT)) add(offered, name, value)
}

/** `#define LAUNCH(KERNEL) \` and the lines it goes on for: launches of many kernels are written once and used by name. */
export const MACRO = /^[ \t]*#[ \t]*define[ \t]+(\w+)\(((?:[^\n]*\\\r?\n)*[^\n]*)/gm
// `m.def("name(Tensor x) -> Tensor", &fn)`, `ops.impl("name", torch::kCUDA, &fn)`
const REGISTRATION = /\.\s*(?:def|impl)\s*\(\s*"(?:\w+::)?(\w+)[^"]*"\s*,([^;]*);/g
// `TVM_FFI_DLL_EXPORT_TYPED_FUNC(name, fn)` and its kin
const EXPORT = /^\s*[A-Z][A-Z_]*EXPORT[A-Z_]*\s*\(\s*(\w+)\s*,\s*([\w:]+)\s*\)\s*;?/gm

// A start that leads to more functions than this is a dispatcher of everything, and says nothing about one kernel.
const MAX_FUNCTIONS = 400

function mentioned(
  starts: readonly Body[],
  bodies: ReadonlyMap<string, readonly Body[]>,
  bySymbol: ReadonlyMap<string, readonly MinedKernel[]>,
): MinedKernel[] {
  const seen = new Set<Body>(starts)
  const open = [...starts]
  const found = new Set<MinedKernel>()
  for (let body = open.pop(); body !== undefined; body = open.pop()) {
    body.names ??= [...new Set(body.text.match(/[A-Za-z_]\w*/g))]
    for (const name of body.names) {
      for (const kernel of nearest(bySymbol.get(name) ?? [], body.path)) found.add(kernel)
      for (const next of nearest(bodies.get(name) ?? [], body.path)) {
        if (!seen.has(next)) open.push(next)
        seen.add(next)
      }
    }
    if (seen.size > MAX_FUNCTIONS) return []
  }
  return [...found]
}

// A name that several files define means the one of its own file, else those of its folder, else any if they are few.
function nearest<Place extends { readonly path: string }>(places: readonly Place[], path: string): readonly Place[] {
  if (places.length < 2) return places
  const same = places.filter((place) => place.path === path)
  if (same.length > 0) return same
  const beside = places.filter((place) => posix.dirname(place.path) === posix.dirname(path))
  if (beside.length > 0) return beside
  return places.length <= MAX_HOMONYMS ? places : []
}

const MAX_HOMONYMS = 4
