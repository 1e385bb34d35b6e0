import { original } from './copied-names.ts'
import type { PlanScope, SidePlan } from './program-plan.ts'
import type { Variable } from './test-code.ts'

/** The variables that a side reads before it has made them itself. */
export function readBeforeMade(scope: PlanScope, side: SidePlan): Variable[] {
  const made = new Set(side.modules)
  const steps = [...side.initSteps, ...side.forwardSteps].toSorted((a, b) => a - b)
  return steps.flatMap((at) => {
    const effect = scope.effects[at]
    const read = [...(effect?.uses ?? [])].map((name) => original(side.copies, name))
    const unbound = read.filter((name) => !made.has(name) && !isOwnOfLoop(scope, name, at))
    for (const name of effect?.defines ?? []) made.add(name)
    return unbound
  })
}

// What a loop makes in one turn and reads in the next it also makes in the first, unless something before it has made it.
function isOwnOfLoop({ test, effects }: PlanScope, name: Variable, at: number): boolean {
  const isLoop = /^(?:for|while)_statement$/.test(test.steps[at]?.node.type ?? '')
  const isMadeBefore = effects.slice(0, at).some(({ defines }) => defines.has(name))
  return isLoop && effects[at]?.defines.has(name) === true && !isMadeBefore
}
