import { findFunctions } from '../languages/c-functions.ts'
import { blankText } from '../languages/c-text.ts'

/**
 * Names that the functions behind registered operators mention, through any number of functions of the same sources; among them are
 * the kernels they launch. Where none of the names called is registered, everything the sources mention counts.
 */
export function nativeKernelNames(
  files: ReadonlyMap<string, string>,
  sources: readonly string[],
  called: ReadonlySet<string>,
): Set<string> {
  const texts = sources.map((path) => files.get(path) ?? '')
  const bodies = new Map<string, string[]>()
  const registered = new Map<string, string[]>()
  for (const text of texts) {
    const { singleBranch } = blankText(text)
    for (const { name: written, bodyStart, bodyEnd } of findFunctions(singleBranch)) {
      const name = written.split('::').at(-1) ?? written
      bodies.set(name, [...(bodies.get(name) ?? []), singleBranch.slice(bodyStart, bodyEnd)])
    }
    for (const [, name = '', value = ''] of text.matchAll(REGISTRATION)) {
      registered.set(name, [...(registered.get(name) ?? []), value])
    }
  }
  const starts = [...called].flatMap((name) => registered.get(name) ?? [])
  return mentioned(starts.length > 0 ? starts : texts.map((text) => blankText(text).code), bodies)
}

// `m.def("name(Tensor x) -> Tensor", &fn)`, `m.impl("name", TORCH_BOX(&ns::fn))`
const REGISTRATION = /\.\s*(?:def|impl)\s*\(\s*"(?:\w+::)?(\w+)[^"]*"\s*,([^;]*);/g

function mentioned(starts: readonly string[], bodies: ReadonlyMap<string, readonly string[]>): Set<string> {
  const names = new Set<string>()
  const open = [...starts]
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    for (const [name] of text.matchAll(/[A-Za-z_]\w*/g)) {
      if (names.has(name)) continue
      names.add(name)
      open.push(...(bodies.get(name) ?? []))
    }
  }
  return names
}
