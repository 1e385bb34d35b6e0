import type { KernelSpan, KernelUse } from '../types.ts'

/** An entry is launched or handed on by host code, or named by nobody; a helper is only called by other kernels. */
export function roleOf(uses: readonly KernelUse[]): KernelSpan['role'] {
  const called = uses.some(({ kind }) => kind === 'device')
  return called && uses.every(({ kind }) => kind === 'device') ? 'helper' : 'entry'
}

/** The launches of a kernel among the uses in its own file. */
export function launchSitesOf(symbol: string, uses: readonly KernelUse[]): KernelSpan['launchSites'] {
  return uses
    .filter((use) => use.kind === 'launch' && use.symbol === symbol)
    .map(({ line, function: name }) => ({ line, function: name }))
}

/** A use with the file it stands in. */
export interface LocatedUse extends KernelUse {
  readonly path: string
}

/**
 * The uses that mean the kernel `symbol` of `path`: those in its own file, and those elsewhere that import it from a module
 * of that name or, where nothing is imported by name, that can mean no kernel of their own file.
 */
export function usesOf(
  kernel: { readonly symbol: string; readonly path: string },
  usesBySymbol: ReadonlyMap<string, readonly LocatedUse[]>,
  definedIn: (path: string, symbol: string) => boolean,
): LocatedUse[] {
  const name = kernel.symbol.split('.').at(-1) ?? kernel.symbol
  return (usesBySymbol.get(name) ?? []).filter((use) => {
    if (use.path === kernel.path) return use.module === null
    if (use.module !== null) return isModuleOf(use.module, kernel.path)
    return !definedIn(use.path, name)
  })
}

// `pkg.ops.norm`, `.norm` and the package that re-exports it, `pkg.ops`, all mean src/pkg/ops/norm.py.
function isModuleOf(module: string, path: string): boolean {
  const dotted = `.${path.replace(/(?:\/__init__)?\.py$/, '').replaceAll('/', '.')}.`
  const written = module.replace(/^\.+/, '')
  return written === '' || dotted.includes(`.${written}.`)
}
