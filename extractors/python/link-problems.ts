import type { Link, Problem } from './links.ts'
import type { LinkOptions } from './linked-statements.ts'

/** Why code with this link cannot stand alone, or null. */
export function problemOf(link: Link, { isAllowed, providers }: LinkOptions): Problem | null {
  if (link.to === 'nothing') return link.problem
  if (link.to === 'external') return thirdParty(link.dotted[0] ?? '', isAllowed) ?? unprovided(link.dotted, providers)
  if (link.to !== 'import') return null
  for (const { imported, meaning } of link.bindings) {
    const problem = problemOfBinding(imported.local, meaning, link.isGuarded, isAllowed)
    if (problem !== null) return problem
  }
  return null
}

type Meaning = Extract<Link, { to: 'import' }>['bindings'][number]['meaning']

function problemOfBinding(
  local: string,
  meaning: Meaning,
  isGuarded: boolean,
  isAllowed: (name: string) => boolean,
): Problem | null {
  if (meaning.kind === 'external') return isGuarded ? null : thirdParty(meaning.dotted[0] ?? '', isAllowed)
  if (meaning.kind === 'module') return { reason: 'module_as_value', detail: `import of ${local} inside a function` }
  if (meaning.kind === 'definition' || isGuarded) return null
  return { reason: 'unresolved_name', detail: `import of ${local}` }
}

function thirdParty(name: string, isAllowed: (name: string) => boolean): Problem | null {
  return isAllowed(name) ? null : { reason: 'third_party_import', detail: name }
}

// Operators of PyTorch itself need nobody to register them.
const OWN_OPERATORS = new Set(['aten', 'prim', 'prims', 'quantized', 'nn', 'c10d', 'higher_order', 'profiler'])

function unprovided(dotted: readonly string[], providers: LinkOptions['providers']): Problem | null {
  const [torch, ops, namespace, name] = dotted
  if (torch !== 'torch' || ops !== 'ops' || namespace === undefined || name === undefined) return null
  if (OWN_OPERATORS.has(namespace) || providers(dotted).length > 0) return null
  return { reason: 'native_build', detail: `nothing that Python loads registers torch.ops.${namespace}.${name}` }
}
