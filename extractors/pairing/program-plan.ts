import type { PythonProject } from '../python/project.ts'
import { literalText } from '../python/values.ts'
import type { Value } from '../python/values.ts'
import { original } from './copied-names.ts'
import { copiedVariable } from './copies.ts'
import { deviceVariables } from './devices.ts'
import { mayBeNone } from './input-values.ts'
import type { KnownValues } from './interpretation.ts'
import type { RefusalReason } from './refusals.ts'
import { codeOf } from './side-code.ts'
import type { Side, SplitComparison, SplitScope } from './side-code.ts'
import { readBeforeMade } from './early-reads.ts'
import { overwrittenInputs, readsItself } from './overwritten-inputs.ts'
import { checkPlan } from './plan-checks.ts'
import { ownState, sharedState } from './module-state.ts'
import { backwardSlice } from './slicing.ts'
import { usedVariables } from './step-effects.ts'
import type { Code, Step, TestCode, Variable } from './test-code.ts'

/** What goes where when a test is turned into a reference and an implementation. Steps are positions in the test. */
export interface ProgramPlan {
  /** Tensors and what else is made afresh for every call: what `get_inputs` gives. */
  readonly inputs: readonly Variable[]
  readonly inputSteps: readonly number[]
  /** Inputs that are `None` for some parameters. */
  readonly optional: ReadonlySet<Variable>
  /** Sizes, dtypes and flags that both sides read: what `get_init_inputs` gives. */
  readonly configuration: readonly Variable[]
  readonly configurationSteps: readonly number[]
  readonly reference: SidePlan
  readonly kernel: SidePlan
  readonly devices: ReadonlySet<Variable>
}

export interface SidePlan {
  readonly initSteps: readonly number[]
  readonly modules: readonly Variable[]
  readonly forwardSteps: readonly number[]
  readonly outputs: readonly Code[]
  /** Variables that are another name of an input, made by copying it. */
  readonly copies: ReadonlyMap<Variable, Variable>
  /** Inputs that it writes to: whoever calls it must find them as they were. */
  readonly overwritten: readonly Variable[]
}

export type PlanRefusal = { readonly reason: RefusalReason; readonly detail: string | null }

/** What a plan is made of: comparisons of one test that share their calls, and what is known of its variables. */
export interface PlanScope extends SplitScope {
  readonly project: PythonProject
  /** Values at the end of the test that are known for all its parameters; where these differ, those for the first. */
  readonly known: KnownValues
  /** The first parameters themselves. */
  readonly parameters: KnownValues
  readonly identities: ReadonlySet<string>
  /** Names of context managers that are no reason to refuse. */
  readonly contexts: ReadonlySet<string>
}

/** Decides what becomes input, configuration, constructor and forward pass, or says why that cannot be decided. */
export function planProgram(scope: PlanScope, splits: readonly SplitComparison[]): ProgramPlan | PlanRefusal {
  const merged = mergeSplits(scope, splits)
  const drafted = draftPlan(scope, merged, new Map())
  const copies = doubledInputs(scope, merged, drafted.inputs)
  const plan = copies.size === 0 ? drafted : draftPlan(scope, merged, copies)
  return checkPlan(scope, merged, plan) ?? plan
}

function draftPlan(scope: PlanScope, merged: MergedSplits, copies: ReadonlyMap<Variable, Variable>): ProgramPlan {
  const devices = deviceVariables(scope.project, scope.test)
  const sides = sharedState(scope, {
    reference: planSide(scope, merged, merged.reference, copies),
    kernel: planSide(scope, merged, merged.kernel, copies),
  })
  const both = [sides.reference, sides.kernel]
  const isKnown = (name: Variable): boolean => isConfiguration(scope.known.get(name))
  const read = uniqueInOrder(both.flatMap((side) => readVariables(scope, side)))
  // `x = x.float()` on one side still reads the `x` that both were given.
  const early = new Set(both.flatMap((side) => readBeforeMade(scope, side)))
  const isForeign = (name: Variable): boolean => early.has(name) || !isOwn(scope, both, name)
  const foreign = read.filter((name) => isForeign(name) && !scope.modules.has(name) && !devices.has(name))
  const configuration = foreign.filter((name) => isKnown(name) || sides.shared.has(name))
  const inputs = foreign.filter((name) => !configuration.includes(name) && !isSymbol(scope.known.get(name)))
  const byReference = overwrittenInputs(scope, sides.reference, inputs)
  const byKernel = overwrittenInputs(scope, sides.kernel, inputs)
  return {
    inputs,
    inputSteps: stepsFor(scope, merged, inputs),
    optional: new Set(inputs.filter((name) => mayBeNone(scope, name))),
    configuration,
    configurationSteps: stepsFor(scope, merged, configuration),
    reference: { ...sides.reference, overwritten: byReference },
    kernel: {
      ...sides.kernel,
      overwritten: [...new Set([...byKernel, ...handedOver(scope, sides.kernel, byReference, hidesWrites(merged))])],
    },
    devices,
  }
}

// What its reference changes a kernel changes too, though nothing shows it (`def launch(*args)`), unless it is given a copy.
function handedOver(
  scope: PlanScope,
  kernel: SidePlan,
  changed: readonly Variable[],
  isHidden: boolean,
): readonly Variable[] {
  return isHidden ? changed : changed.filter((name) => readsItself(scope, kernel, name))
}

// What a native function writes to does not show where it is called at all.
function hidesWrites({ splits }: MergedSplits): boolean {
  return splits.some(({ kernels }) => kernels.some(({ language }) => /^(?:cuda|hip|cpp)$/.test(language)))
}

/** Comparisons of one test that share their calls, as one. */
export interface MergedSplits {
  readonly reference: MergedSide
  readonly kernel: MergedSide
  readonly common: ReadonlySet<number>
  readonly position: number
  readonly splits: readonly SplitComparison[]
}

export interface MergedSide {
  readonly steps: ReadonlySet<number>
  readonly modules: ReadonlySet<Variable>
  readonly outputs: readonly Code[]
}

function mergeSplits({ effects }: PlanScope, splits: readonly SplitComparison[]): MergedSplits {
  const merge = (sides: readonly Side[]): MergedSide => ({
    steps: new Set(sides.flatMap(({ steps }) => [...steps])),
    modules: new Set(sides.flatMap(({ modules }) => [...modules])),
    outputs: sides.map(({ output }) => output),
  })
  const common = new Set(splits.flatMap((split) => [...split.common]))
  const position = Math.max(0, ...splits.map(({ comparison }) => comparison.position), Math.min(1, effects.length))
  const [reference, kernel] = [
    merge(splits.map((split) => split.reference)),
    merge(splits.map((split) => split.kernel)),
  ]
  return { reference, kernel, common, position, splits }
}

function planSide(
  scope: PlanScope,
  merged: MergedSplits,
  side: MergedSide,
  shared: ReadonlyMap<Variable, Variable>,
): SidePlan {
  const { test, effects, known } = scope
  const modules = [...side.modules].toSorted((a, b) => (scope.modules.get(a) ?? 0) - (scope.modules.get(b) ?? 0))
  const guards = merged.splits.flatMap(({ comparison }) => comparison.guards)
  const init = backwardSlice({ test, effects, position: merged.position, guards, boundary: new Set() }, modules)
  const definesKnown = (at: number): boolean => {
    const { defines = new Set<Variable>(), changes = new Set<Variable>() } = effects[at] ?? {}
    return (
      changes.size === 0 && [...defines].every((name) => isConfiguration(known.get(name)) || isSymbol(known.get(name)))
    )
  }
  const copies = new Map(shared)
  const forwardSteps = sorted(side.steps).filter((at) => {
    const copied = copyOf(scope, side, at)
    if (copied === null) return true
    copies.set(copied.name, copied.of)
    return false
  })
  return {
    initSteps: ownState(
      scope,
      side.modules,
      sorted(init.steps).filter((at) => !definesKnown(at)),
    ),
    modules,
    forwardSteps,
    outputs: side.outputs,
    copies,
    overwritten: [],
  }
}

// `x1 = x.clone().requires_grad_(True)` is `x` under another name, unless the side goes on to write to one of the two.
function copyOf(scope: PlanScope, side: MergedSide, at: number): { name: Variable; of: Variable } | null {
  const step = scope.test.steps[at]
  const copied = step === undefined ? null : copiedVariable(scope.project, scope.test, step, scope.identities)
  if (copied === null) return null
  const isChanged = [...side.steps].some((other) => {
    const effect = scope.effects[other]
    const redefined = other !== at && effect?.defines.has(copied.name) === true
    return redefined || effect?.changes.has(copied.name) === true || effect?.changes.has(copied.of) === true
  })
  return isChanged || side.steps.has(scope.modules.get(copied.of) ?? -1) ? null : copied
}

// `x_ref = x`, where both are inputs: they are one, unless a side writes to it or there is more than one `x`.
function doubledInputs(
  { project, test, effects, identities }: PlanScope,
  { common, reference, kernel }: MergedSplits,
  inputs: readonly Variable[],
): Map<Variable, Variable> {
  const steps = [...common, ...reference.steps, ...kernel.steps]
  const isChanged = (name: Variable): boolean => steps.some((at) => effects[at]?.changes.has(name) === true)
  const isMadeOnce = (name: Variable): boolean =>
    steps.filter((at) => effects[at]?.defines.has(name) === true).length === 1
  const found = [...common].flatMap((at): [Variable, Variable][] => {
    const step = test.steps[at]
    const copied = step === undefined ? null : copiedVariable(project, test, step, identities)
    if (copied === null) return []
    const names = [copied.name, copied.of]
    const isDoubled = names.every((name) => inputs.includes(name) && isMadeOnce(name) && !isChanged(name))
    return isDoubled ? [[copied.name, copied.of]] : []
  })
  return new Map(found)
}

/** Variables that the constructor and the forward pass of a side read, in order. */
function readVariables(scope: PlanScope, side: SidePlan): Variable[] {
  const read = (codes: readonly Code[]): Variable[] => codes.flatMap((code) => [...usedVariables(scope.test, code)])
  const steps = (positions: readonly number[]): Code[] => codeOf(scope, positions)
  const names = [...read(steps(side.initSteps)), ...read(steps(side.forwardSteps)), ...read(side.outputs)]
  return names.map((name) => original(side.copies, name))
}

// Whether a side makes the variable itself.
function isOwn(scope: PlanScope, sides: readonly SidePlan[], name: Variable): boolean {
  return sides.some((side) =>
    [...side.initSteps, ...side.forwardSteps].some((at) => scope.effects[at]?.defines.has(name) === true),
  )
}

function isConfiguration(value: Value | undefined): boolean {
  return value !== undefined && literalText(value) !== null
}

function isSymbol(value: Value | undefined): boolean {
  return value?.kind === 'symbol' && literalText(value) === null
}

function stepsFor(scope: PlanScope, merged: MergedSplits, names: readonly Variable[]): number[] {
  const guards = merged.splits.flatMap(({ comparison }) => comparison.guards)
  const boundary = new Set(scope.modules.keys())
  const slice = backwardSlice({ ...scope, position: merged.position, guards, boundary }, names)
  const own = new Set([...merged.reference.steps, ...merged.kernel.steps])
  return sorted(slice.steps).filter((at) => !own.has(at))
}

function uniqueInOrder(names: readonly Variable[]): Variable[] {
  return [...new Set(names)]
}

function sorted(steps: Iterable<number>): number[] {
  return [...steps].toSorted((a, b) => a - b)
}

/** The step at a position of a test; every position of a plan has one. */
export function stepAt(test: TestCode, at: number): Step {
  const step = test.steps[at]
  if (step === undefined) throw new RangeError(`a test of ${test.steps.length} steps has no step ${at}`)
  return step
}
