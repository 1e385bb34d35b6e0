import { textOf } from '../python/syntax.ts'
import type { MergedSplits, PlanRefusal, PlanScope, ProgramPlan } from './program-plan.ts'
import { contextName, isHarmless } from './contexts.ts'
import { original } from './copied-names.ts'
import { readBeforeMade } from './early-reads.ts'
import { heldExpectation, variablesRead } from './held-expectation.ts'
import { inputRefusal } from './input-checks.ts'
import { backwardSlice, lastWrite } from './slicing.ts'
import { canonical } from './step-effects.ts'
import type { Variable } from './test-code.ts'

/** What is wrong with a plan, or null. */
export function checkPlan(scope: PlanScope, merged: MergedSplits, plan: ProgramPlan): PlanRefusal | null {
  return (
    branchRefusal(scope, merged, plan) ??
    undefinedRefusal(scope, merged, plan) ??
    unboundRefusal(scope, plan) ??
    stateRefusal(scope, plan) ??
    preparedRefusal(scope, plan) ??
    inputRefusal(scope, plan) ??
    orderRefusal(scope, merged, plan) ??
    contextRefusal(scope, plan) ??
    (plan.inputs.length === 0 ? { reason: 'literal_expectation', detail: 'no input is made' } : null)
  )
}

// A step of a branch that the comparison is not in may not have run.
function branchRefusal({ test }: PlanScope, merged: MergedSplits, plan: ProgramPlan): PlanRefusal | null {
  const guards = new Set(merged.splits.flatMap(({ comparison }) => comparison.guards))
  const steps = [
    plan.inputSteps,
    plan.configurationSteps,
    ...[plan.reference, plan.kernel].flatMap((side) => [side.initSteps, side.forwardSteps]),
  ]
  const isOptional = steps.flat().some((at) => test.steps[at]?.guards.some((guard) => !guards.has(guard)) === true)
  return isOptional ? { reason: 'branching_test', detail: null } : null
}

function undefinedRefusal(scope: PlanScope, merged: MergedSplits, plan: ProgramPlan): PlanRefusal | null {
  const { test, effects } = scope
  const axes = new Map(
    test.axes.flatMap(({ frame, axis }) => axis.names.map((name) => [canonical(test, `${frame.id}:${name}`), axis])),
  )
  const guards = merged.splits.flatMap(({ comparison }) => comparison.guards)
  const steps = [...plan.inputSteps, ...plan.configurationSteps, ...plan.reference.initSteps, ...plan.kernel.initSteps]
  const names = new Set([
    ...plan.inputs,
    ...plan.configuration,
    ...steps.flatMap((at) => [...(effects[at]?.uses ?? [])]),
  ])
  const slice = backwardSlice(
    { ...scope, position: merged.position, guards, boundary: new Set(scope.modules.keys()) },
    names,
  )
  for (const name of slice.undefinedVariables) {
    if (plan.devices.has(name)) continue
    const axis = axes.get(name)
    const written = name.slice(name.indexOf(':') + 1)
    if (axis === undefined) return { reason: 'test_fixture', detail: written }
    if (axis.rows === null) return { reason: 'unknown_parameters', detail: written }
  }
  return null
}

// What a side reads it must have made before, unless it is given: a slice that lacks the first of two assignments reads nothing.
function unboundRefusal(scope: PlanScope, plan: ProgramPlan): PlanRefusal | null {
  const given = new Set([
    ...plan.inputs,
    ...plan.configuration,
    ...plan.devices,
    ...scope.known.keys(),
    ...scope.modules.keys(),
  ])
  for (const side of [plan.reference, plan.kernel]) {
    const unbound = readBeforeMade(scope, side).find((name) => !given.has(name))
    if (unbound !== undefined) return { reason: 'test_fixture', detail: unbound.slice(unbound.indexOf(':') + 1) }
  }
  return null
}

// A tensor that becomes a parameter on one side must not be an input of the other, nor may an input come out of a module.
function stateRefusal(scope: PlanScope, plan: ProgramPlan): PlanRefusal | null {
  const init = [...plan.reference.initSteps, ...plan.kernel.initSteps]
  const shared = init.some((at) => plan.inputSteps.includes(at) && !isConstant(scope, at))
  if (shared) return { reason: 'state_shared_with_input', detail: null }
  if (plan.kernel.initSteps.some((at) => isTied(scope, plan, at))) return { reason: 'unlike_parameters', detail: null }
  const usesModule = plan.inputSteps.some((at) =>
    [...(scope.effects[at]?.uses ?? [])].some((name) => scope.modules.has(name)),
  )
  return usesModule ? { reason: 'state_shared_with_input', detail: 'an input is the output of a module' } : null
}

// `fused.gain.copy_(plain[0].weight)`, where the kernel is called with parameters of `plain` too: those of `fused` are further ones.
function isTied({ effects, modules }: PlanScope, { reference, kernel }: ProgramPlan, at: number): boolean {
  const { changes = new Set<Variable>(), uses = new Set<Variable>() } = effects[at] ?? {}
  const isOwn = [...changes].some((name) => modules.has(name) && !reference.modules.includes(name))
  return isOwn && [...uses].some((name) => reference.modules.includes(name) && kernel.modules.includes(name))
}

// A block that prepares the inputs of both sides at once, `if scaled: scale = f(); expected_input = scale * x`: what only the reference
// reads would be given to it, and so computed outside of it.
function preparedRefusal(scope: PlanScope, plan: ProgramPlan): PlanRefusal | null {
  const { effects } = scope
  const readByKernel = new Set(variablesRead(scope, plan.kernel))
  const inputs = new Set(plan.inputs)
  const prepared = plan.inputs.find((name) => {
    const at = plan.inputSteps.findLast((step) => effects[step]?.defines.has(name) === true)
    const { uses = [], defines = [] } = at === undefined ? {} : (effects[at] ?? {})
    const isMixed = [...defines].some((other) => readByKernel.has(other))
    return !readByKernel.has(name) && isMixed && [...uses].some((other) => inputs.has(other))
  })
  if (prepared !== undefined) return { reason: 'interleaved_inputs', detail: written(prepared) }
  const held = heldExpectation(scope, plan)
  return held === null ? null : { reason: 'input_expected', detail: written(held) }
}

function written(name: Variable): string {
  return name.slice(name.indexOf(':') + 1)
}

function isConstant(scope: PlanScope, at: number): boolean {
  return [...(scope.effects[at]?.defines ?? [])].every((name) => scope.known.has(name))
}

// An input must be what it is at the end of the shared steps wherever a side reads it.
function orderRefusal(scope: PlanScope, merged: MergedSplits, plan: ProgramPlan): PlanRefusal | null {
  const shared = new Set(plan.inputSteps)
  for (const side of [plan.reference, plan.kernel]) {
    const seen = new Set([...shared, ...side.forwardSteps])
    for (const at of side.forwardSteps) {
      for (const used of scope.effects[at]?.uses ?? []) {
        const name = original(side.copies, used)
        const written = lastWrite(scope.effects, name, at, seen)
        if (written === null || !shared.has(written)) continue
        if (written !== lastWrite(scope.effects, name, merged.position, shared)) {
          return { reason: 'interleaved_inputs', detail: name.slice(name.indexOf(':') + 1) }
        }
      }
    }
  }
  return null
}

function contextRefusal({ test, contexts }: PlanScope, plan: ProgramPlan): PlanRefusal | null {
  const steps = [
    plan.inputSteps,
    plan.reference.initSteps,
    plan.reference.forwardSteps,
    plan.kernel.initSteps,
    plan.kernel.forwardSteps,
  ]
  for (const at of steps.flat()) {
    const unknown = test.steps[at]?.contexts.find(
      (context) => !isHarmless(context) && !contexts.has(contextName(context)),
    )
    if (unknown !== undefined)
      return { reason: 'unknown_context', detail: textOf(unknown.frame.module.file, unknown.node) }
  }
  return null
}
