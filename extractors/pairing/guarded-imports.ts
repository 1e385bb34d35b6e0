import { importedNames, isImport } from '../python/imports.ts'
import { freeReferences } from '../python/references.ts'
import { resolveChain } from '../python/resolution.ts'
import { isStandardModule } from '../python/standard-library.ts'
import { walk } from '../python/syntax.ts'
import type { PlanScope } from './program-plan.ts'
import { sideCode } from './side-code.ts'
import type { SplitComparison } from './side-code.ts'
import type { Code } from './test-code.ts'
import type { PairingScope } from './test-pairing.ts'

/**
 * A package that code of a test needs although its import stands in a `try`: the name that is called is missing without it, or is none
 * that can be called. Null where there is none, or where it may be imported.
 */
export function guardedPackage(
  { project, settings }: PairingScope,
  plan: PlanScope,
  splits: readonly SplitComparison[],
): string | null {
  const allowed = new Set(settings.allowedModules)
  const isAllowed = (module: string): boolean => {
    const top = module.split('.')[0] ?? ''
    return allowed.has(top) || isStandardModule(top) || isOwn(project.paths, top)
  }
  const codes = splits.flatMap((split) => [...sideCode(plan, split.reference), ...sideCode(plan, split.kernel)])
  const modules = codes.flatMap((code) => [...guardedModules(plan, code), ...importedInside(code)])
  return modules.find((module) => !isAllowed(module)) ?? null
}

// `import library` in the code itself.
function importedInside({ frame, node }: Code): string[] {
  return [...walk(node)]
    .filter(isImport)
    .flatMap((statement) => importedNames(frame.module.file, statement))
    .flatMap(({ level, module }) => (level === 0 && module !== '' ? [module] : []))
}

// The modules of the imports in `try` statements that the names in code come from.
function guardedModules({ project }: PlanScope, { frame, node }: Code): string[] {
  return freeReferences(frame.module.file, node).flatMap(({ name, parts }) => {
    const meaning = frame.locals.has(name) ? null : resolveChain(project, frame.module, parts)
    if (meaning?.kind !== 'definition') return []
    const { module, name: own } = meaning
    const guards = (module.definitions.get(own) ?? []).filter((statement) => statement.node.type === 'try_statement')
    return guards
      .flatMap((statement) => [...walk(statement.node)].filter(isImport))
      .flatMap((statement) => importedNames(module.file, statement))
      .flatMap(({ local, level, module: from }) => (local === own && level === 0 ? [from] : []))
  })
}

// A package of the repository itself is cut out and not imported.
function isOwn(paths: readonly string[], top: string): boolean {
  return paths.some((path) => path === `${top}.py` || `/${path}`.includes(`/${top}/`))
}
