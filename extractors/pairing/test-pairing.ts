import { setImmediate } from 'node:timers/promises'
import { canonicalJson } from '../../pipelines/core/hash.ts'
import { closureCollector } from '../python/closure.ts'
import type { CollectClosure } from '../python/closure.ts'
import { evaluatedSteps } from '../python/evaluation-trail.ts'
import { inlineExtensions } from '../python/native-extensions.ts'
import type { ModuleStatement, PythonModule } from '../python/modules.ts'
import { operatorProviders } from '../python/operator-providers.ts'
import type { PythonProject } from '../python/project.ts'
import { isStandardModule } from '../python/standard-library.ts'
import { inlineLookups } from '../python/table-lookups.ts'
import type { Lookups } from '../python/table-lookups.ts'
import type { Pair, PairingInput, PairingRefusal } from '../types.ts'
import { deviceRewrites } from './device-literals.ts'
import { deviceName } from './devices.ts'
import { installedExtensions } from './installed-extensions.ts'
import { withOperatorLibraries } from './operator-libraries.ts'
import { kernelReach } from './kernel-reach.ts'
import type { PieceReach } from './kernel-reach.ts'
import { kernelLookup } from './part-kernels.ts'
import { cameFurther } from './refusals.ts'
import { registeredTargets } from './registered-targets.ts'
import { sharedProject } from './shared-project.ts'
import { pairTest } from './test-pair.ts'
import type { KernelSideOf } from './test-scope.ts'
import { mayCompare, testsOf } from './test-functions.ts'
import type { TestCode } from './test-code.ts'
import { workMeter } from './work-meter.ts'
import type { WorkMeter } from './work-meter.ts'

/** How tests are turned into pairs. */
export interface PairingSettings {
  readonly maxWorkloads: number
  readonly maxClosureLines: number
  readonly allowedModules: readonly string[]
  readonly replacements: Readonly<Record<string, string>>
  readonly lookups: Lookups
  readonly identities: readonly string[]
}

/** What all tests of a repository share while they are paired. */
export interface PairingScope {
  readonly project: PythonProject
  readonly settings: PairingSettings
  /** Collects code that will be emitted; its limits are those of the settings. */
  readonly collect: CollectClosure
  /** The same with the backward halves of autograd functions. */
  readonly collectBackward: CollectClosure
  /** As `collect` for a reference, which has its own name for the device. */
  readonly collectReference: CollectClosure
  readonly reach: PieceReach
  /** The same with the backward halves of autograd functions. */
  readonly reachBackward: PieceReach
  readonly meter: WorkMeter
}

// Methods with the same settings share what they understand of a repository.
const SCOPES = new WeakMap<PairingInput['files'], Map<string, Promise<PairingScope>>>()

// Steps are parts of code passed through and expressions evaluated. Chosen so that every repository that was tried ends within minutes;
// how many steps tests need was not counted.
const LIMITS = { testSteps: 2_000_000, fileSteps: 20_000_000 }

/** Prepares pairing for a repository, once for equal settings. */
export function openPairing(input: PairingInput, settings: PairingSettings): Promise<PairingScope> {
  const known = SCOPES.get(input.files) ?? new Map<string, Promise<PairingScope>>()
  SCOPES.set(input.files, known)
  const key = canonicalJson(settings)
  const scope = known.get(key) ?? newPairing(input, settings)
  known.set(key, scope)
  return scope
}

async function newPairing(input: PairingInput, settings: PairingSettings): Promise<PairingScope> {
  const replacements = { ...installedExtensions(input.files), ...settings.replacements }
  const files = withOperatorLibraries(input.files)
  const project = await sharedProject(files, replacements)
  const allowed = new Set(settings.allowedModules)
  const rewriter = (checksHeaders: boolean) => (module: PythonModule, statement: ModuleStatement) => {
    const extensions = inlineExtensions(project, module, statement, checksHeaders)
    const lookups = inlineLookups(project, settings.lookups, module, statement)
    if ('reason' in extensions) return extensions
    return 'reason' in lookups ? lookups : [...extensions, ...lookups]
  }
  const common = {
    fixedName: () => null,
    rewrite: rewriter(true),
    providers: operatorProviders(project),
    implementations: () => [],
  }
  const reached = { isAllowed: () => true, rewrite: rewriter(false), ...registeredTargets(project, common.providers) }
  const meter = workMeter(LIMITS, () => evaluatedSteps(project))
  const searched = { project, meter, lookup: kernelLookup(input.kernels, files) }
  const emitted = {
    ...common,
    forwardOnly: true,
    isAllowed: (name: string) => allowed.has(name) || isStandardModule(name),
    maxLines: settings.maxClosureLines,
  }
  const rewriteReference: typeof common.rewrite = (module, statement) => {
    const rewritten = common.rewrite(module, statement)
    return 'reason' in rewritten ? rewritten : [...rewritten, ...deviceRewrites(module, statement)]
  }
  return {
    project,
    settings,
    collect: closureCollector(project, emitted),
    collectBackward: closureCollector(project, { ...emitted, forwardOnly: false }),
    collectReference: closureCollector(project, { ...emitted, fixedName: deviceName, rewrite: rewriteReference }),
    reach: kernelReach(searched, { ...common, ...reached, forwardOnly: true }),
    reachBackward: kernelReach(searched, { ...common, ...reached, forwardOnly: false }),
    meter,
  }
}

/** How the tests of a file are found. */
export interface TestFinder {
  /** A quick look at its text. */
  readonly mayHold: (text: string) => boolean
  readonly read: (project: PythonProject, module: PythonModule) => TestCode[]
}

const COMPARING_TESTS: TestFinder = { mayHold: mayCompare, read: testsOf }

/** Pairs from every test of a repository, in order of path and place, and for each kernel the refusal that came furthest. */
export async function pairTests(
  input: PairingInput,
  settings: PairingSettings,
  openSide: (scope: PairingScope) => KernelSideOf | undefined = () => undefined,
  finder: TestFinder = COMPARING_TESTS,
): Promise<{ pairs: Pair[]; refusals: PairingRefusal[] }> {
  const scope = await openPairing(input, settings)
  const sideOf = openSide(scope)
  const pairs: Pair[] = []
  const refusals = new Map<string, PairingRefusal>()
  const { paths } = scope.project
  for (const [at, path] of paths.entries()) {
    for (const [index, test] of testsIn(scope, path, finder, input.searched).entries()) {
      scope.meter.begin(index === 0)
      const found = await pairTest(scope, test, sideOf)
      pairs.push(...found.pairs)
      for (const refusal of found.refusals) {
        const known = refusals.get(refusal.kernelId)
        if (known === undefined || cameFurther(refusal, known)) refusals.set(refusal.kernelId, refusal)
      }
      // Signals and the other shards get their turn.
      await setImmediate()
    }
    input.onProgress?.(at + 1, paths.length)
    if (at % 16 === 0) await setImmediate()
  }
  return { pairs, refusals: [...refusals.values()] }
}

// Only files that may hold a comparison are parsed for tests.
function testsIn(
  { project }: PairingScope,
  path: string,
  { mayHold, read }: TestFinder,
  searched: PairingInput['searched'],
): TestCode[] {
  if (searched?.has(path) === false) return []
  const module = mayHold(project.files.get(path) ?? '') ? project.module(path) : null
  const tests = module === null ? [] : read(project, module)
  return tests.filter(({ name }) => searched?.get(path)?.has(name) !== false)
}
