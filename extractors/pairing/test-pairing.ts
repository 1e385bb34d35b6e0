import { closureCollector } from '../python/closure.ts'
import type { CollectClosure } from '../python/closure.ts'
import { inlineExtensions } from '../python/native-extensions.ts'
import { operatorProviders } from '../python/operator-providers.ts'
import type { PythonProject } from '../python/project.ts'
import { isStandardModule } from '../python/standard-library.ts'
import type { Pair, PairingInput, PairingRefusal } from '../types.ts'
import { kernelLookup } from './kernel-reach.ts'
import type { KernelsIn } from './kernel-reach.ts'
import { sharedProject } from './shared-project.ts'
import { pairTest } from './test-pair.ts'
import { mayCompare, testsOf } from './test-functions.ts'
import type { TestCode } from './test-code.ts'

/** How tests are turned into pairs. */
export interface PairingSettings {
  readonly maxWorkloads: number
  readonly maxClosureLines: number
  readonly allowedModules: readonly string[]
  readonly replacements: Readonly<Record<string, string>>
  readonly identities: readonly string[]
}

/** What all tests of a repository share while they are paired. */
export interface PairingScope {
  readonly project: PythonProject
  readonly settings: PairingSettings
  /** Collects code that will be emitted; its limits are those of the settings. */
  readonly collect: CollectClosure
  /** Collects code to see what it reaches, whatever that is. */
  readonly reach: CollectClosure
  /** The same with the backward halves of autograd functions. */
  readonly reachBackward: CollectClosure
  readonly kernelsIn: KernelsIn
}

// A closure that is only looked at may be far larger than one that is emitted; this bound is against hostile files.
const MAX_REACHED_LINES = 100_000

/** Prepares pairing for a repository. */
export async function openPairing(input: PairingInput, settings: PairingSettings): Promise<PairingScope> {
  const project = await sharedProject(input.files, settings.replacements)
  const allowed = new Set(settings.allowedModules)
  const common = {
    rewrite: (...[module, statement]: Parameters<Rewrite>) => inlineExtensions(project, module, statement),
    providers: operatorProviders(project),
  }
  const anything = { isAllowed: () => true, maxLines: MAX_REACHED_LINES }
  return {
    project,
    settings,
    collect: closureCollector(project, {
      ...common,
      forwardOnly: true,
      isAllowed: (name) => allowed.has(name) || isStandardModule(name),
      maxLines: settings.maxClosureLines,
    }),
    reach: closureCollector(project, { ...common, ...anything, forwardOnly: true }),
    reachBackward: closureCollector(project, { ...common, ...anything, forwardOnly: false }),
    kernelsIn: kernelLookup(input.kernels, input.files),
  }
}

/** Pairs from every test of a repository, in order of path and place. */
export async function pairTests(
  input: PairingInput,
  settings: PairingSettings,
): Promise<{ pairs: Pair[]; refusals: PairingRefusal[] }> {
  const scope = await openPairing(input, settings)
  const pairs: Pair[] = []
  const refusals: PairingRefusal[] = []
  for (const test of testsIn(scope)) {
    const found = await pairTest(scope, test)
    pairs.push(...found.pairs)
    refusals.push(...found.refusals)
  }
  return { pairs, refusals }
}

/** The tests of a repository, file by file; only files that may hold one are parsed. */
export function* testsIn({ project }: PairingScope): Generator<TestCode> {
  for (const path of project.paths) {
    if (!mayCompare(project.files.get(path) ?? '')) continue
    const module = project.module(path)
    if (module !== null) yield* testsOf(project, module)
  }
}

type Rewrite = (
  module: Parameters<typeof inlineExtensions>[1],
  statement: Parameters<typeof inlineExtensions>[2],
) => ReturnType<typeof inlineExtensions>
