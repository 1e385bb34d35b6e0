import { original } from './copied-names.ts'
import type { PlanScope, SidePlan } from './program-plan.ts'
import type { Variable } from './test-code.ts'

/** The variables that a side reads before it has made them itself. */
export function readBeforeMade(scope: PlanScope, side: SidePlan): Variable[] {
  const made = new Set(side.modules)
  return [...side.initSteps, ...side.forwardSteps]
    .toSorted((a, b) => a - b)
    .flatMap((at) => {
      const effect = scope.effects[at]
      const unbound = [...(effect?.uses ?? [])]
        .map((name) => original(side.copies, name))
        .filter((name) => !made.has(name))
      for (const name of effect?.defines ?? []) made.add(name)
      return unbound
    })
}
