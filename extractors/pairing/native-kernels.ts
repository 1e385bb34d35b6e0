import { findFunctions } from '../languages/c-functions.ts'
import { blankText } from '../languages/c-text.ts'
import { MACRO } from './native-index.ts'

/** Finds the names that native sources mention behind operators that are called; among them are the kernels they launch. */
export type NativeKernelNames = (sources: readonly string[], called: ReadonlySet<string>) => ReadonlySet<string>

/**
 * Names that the functions behind registered operators mention, through any number of functions of the same sources. Where none of the
 * names called is registered, kernels of nearly the same name count, and where there are none, everything the sources mention.
 */
export function nativeKernelNames(files: ReadonlyMap<string, string>): NativeKernelNames {
  const known = new Map<string, NativeSource>()
  const answers = new Map<string, ReadonlySet<string>>()
  const read = (path: string): NativeSource => {
    const source = known.get(path) ?? readSource(files.get(path) ?? '')
    known.set(path, source)
    return source
  }
  return (sources, called) => {
    const parsed = sources.map(read)
    const names = [...called].filter((name) => parsed.some(({ registered }) => registered.has(name)))
    const named = names.length > 0 ? [] : namedAlike(parsed, called)
    const key = JSON.stringify([sources, names.toSorted(), named])
    const answer = answers.get(key) ?? mentionedIn(parsed, names, named)
    answers.set(key, answer)
    return answer
  }
}

interface NativeSource {
  /** Names in all of it. */
  readonly names: readonly string[]
  /** Names in the bodies of functions, by function. */
  readonly bodies: ReadonlyMap<string, readonly string[]>
  /** Names in what operators are registered with, by operator. */
  readonly registered: ReadonlyMap<string, readonly string[]>
}

function readSource(text: string): NativeSource {
  const bodies = new Map<string, string[]>()
  const registered = new Map<string, string[]>()
  const { code, singleBranch } = blankText(text)
  const add = (into: Map<string, string[]>, name: string, value: string): void => {
    into.set(name, [...(into.get(name) ?? []), ...identifiers(value)])
  }
  for (const { name, bodyStart, bodyEnd } of findFunctions(singleBranch)) {
    add(bodies, name.split('::').at(-1) ?? name, singleBranch.slice(bodyStart, bodyEnd))
  }
  for (const [, name = '', value = ''] of text.matchAll(MACRO)) add(bodies, name, value)
  for (const [, name = '', value = ''] of text.matchAll(REGISTRATION)) add(registered, name, value)
  return { names: identifiers(code), bodies, registered }
}

// `m.def("name(Tensor x) -> Tensor", &fn)`, `m.impl("name", TORCH_BOX(&ns::fn))`
const REGISTRATION = /\.\s*(?:def|impl)\s*\(\s*"(?:\w+::)?(\w+)[^"]*"\s*,([^;]*);/g

function identifiers(text: string): string[] {
  return [...new Set(text.match(/[A-Za-z_]\w*/g))]
}

// Macros that paste names together register `add_f32`, and may define it: then it launches `add_f32_kernel`, in text that nobody can
// look up.
function namedAlike(sources: readonly NativeSource[], called: ReadonlySet<string>): string[] {
  const isDefined = (name: string): boolean => sources.some(({ bodies }) => bodies.has(name))
  const found = [...called].map((name) => (isDefined(name) ? name : `${name}_kernel`)).filter(isDefined)
  return found.toSorted((a, b) => (a < b ? -1 : 1))
}

function mentionedIn(
  sources: readonly NativeSource[],
  called: readonly string[],
  named: readonly string[],
): Set<string> {
  const registered = called.flatMap((name) => sources.flatMap((source) => source.registered.get(name) ?? []))
  const starts = [...registered, ...named]
  const open = starts.length > 0 ? starts : sources.flatMap((source) => source.names)
  const names = new Set<string>()
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (names.has(name)) continue
    names.add(name)
    for (const { bodies } of sources) open.push(...(bodies.get(name) ?? []))
  }
  return names
}
