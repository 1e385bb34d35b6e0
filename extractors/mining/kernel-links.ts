import type { Kernel } from '../../pipelines/core/records/kernel.ts'
import { roleOf, usesOf } from '../languages/kernel-uses.ts'
import type { LocatedUse } from '../languages/kernel-uses.ts'

/** Kernels with their roles and launch sites, in order of path and line, and those that say again what stands above them. */
export interface LinkedKernels {
  readonly kernels: Kernel[]
  readonly duplicates: readonly Kernel[]
}

/** Roles and launch sites need all files: a kernel may be launched, or called by other kernels, far from where it is defined. */
export function linkKernels(found: readonly Kernel[], uses: readonly LocatedUse[]): LinkedKernels {
  const usesBySymbol = Map.groupBy(uses, ({ symbol }) => symbol)
  const defined = new Set(found.map(({ path, symbol }) => `${path}\n${symbol.split('.').at(-1) ?? ''}`))
  const kernels = new Map<string, Kernel>()
  const duplicates: Kernel[] = []
  for (const kernel of found.toSorted(byPlace)) {
    if (kernels.has(kernel.id)) {
      duplicates.push(kernel)
      continue
    }
    const own = usesOf(kernel, usesBySymbol, (file, name) => defined.has(`${file}\n${name}`))
    const launches = own.filter(({ kind }) => kind === 'launch')
    kernels.set(kernel.id, {
      ...kernel,
      role: roleOf(own),
      launch_sites: launchSites(launches),
    })
  }
  return { kernels: [...kernels.values()], duplicates }
}

// A launch that two languages understand, or that launches one of two kernels of the same name, is one launch.
function launchSites(launches: readonly LocatedUse[]): Kernel['launch_sites'] {
  const sites = launches.map(({ path, line, function: name }) => ({ path, line, function: name }))
  return [...new Map(sites.map((site) => [JSON.stringify(site), site])).values()]
}

function byPlace(a: Kernel, b: Kernel): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1
  return a.start_line - b.start_line || (a.symbol < b.symbol ? -1 : 1)
}
