import type { PlanScope, ProgramPlan } from './program-plan.ts'
import { canonical } from './step-effects.ts'
import type { Variable } from './test-code.ts'

/**
 * The names that variables of a test get in a file: their own, with the number of their frame behind it where a helper has another
 * variable of that name.
 */
export function variableNames(scope: PlanScope, plan: ProgramPlan): Map<Variable, string> {
  const { test, effects } = scope
  const steps = [
    ...plan.inputSteps,
    ...plan.configurationSteps,
    ...[plan.reference, plan.kernel].flatMap((side) => [...side.initSteps, ...side.forwardSteps]),
  ]
  const axes = test.axes.flatMap(({ frame, axis }) => axis.names.map((name) => canonical(test, `${frame.id}:${name}`)))
  const involved = new Set([
    ...plan.inputs,
    ...plan.configuration,
    ...axes,
    ...steps.flatMap((at) => [...(effects[at]?.defines ?? []), ...(effects[at]?.uses ?? [])]),
  ])
  const names = new Map<Variable, string>()
  const taken = new Set<string>()
  for (const name of [...involved].toSorted(byFrame)) {
    const [frame = '', own = name] = name.split(':')
    const free = taken.has(own) || RESERVED.has(own) ? `${own}_${frame}` : own
    taken.add(free)
    names.set(name, free)
  }
  return names
}

// What the file itself defines.
const RESERVED = new Set(['self', 'Model', 'ModelNew', 'get_inputs', 'get_init_inputs', 'torch', 'device'])

function byFrame(a: Variable, b: Variable): number {
  const [left, right] = [a, b].map((name) => Number(name.split(':')[0]))
  return (left ?? 0) - (right ?? 0) || (a < b ? -1 : 1)
}
