import type { PlanScope } from './program-plan.ts'
import type { SplitComparison } from './side-code.ts'
import { usedVariables } from './step-effects.ts'

/** Comparisons of the parts of one result, which belong together: `assert_close(out, ref)`, `assert_close(lse, ref_lse)`. */
export function groupSplits(plan: PlanScope, splits: readonly SplitComparison[]): SplitComparison[][] {
  const groups: SplitComparison[][] = []
  for (const split of splits) {
    const isOne = (other: SplitComparison): boolean => sharesCall(other, split) && !isReplaced(plan, other, split)
    const group = groups.find((candidates) => candidates.some(isOne))
    if (group === undefined) groups.push([split])
    else group.push(split)
  }
  return groups
}

// What was compared first has another value when the second comparison is reached.
function isReplaced({ test, effects }: PlanScope, first: SplitComparison, second: SplitComparison): boolean {
  const outputs = [first.kernel, first.reference].flatMap(({ output }) => [...usedVariables(test, output)])
  const later = [...second.kernel.steps, ...second.reference.steps].filter((at) => at >= first.comparison.position)
  return later.some((at) => outputs.some((name) => effects[at]?.defines.has(name) === true))
}

function sharesCall(a: SplitComparison, b: SplitComparison): boolean {
  const shares = [...a.kernel.steps].some((at) => b.kernel.steps.has(at))
  const conflicts = [a, b].some((one) => {
    const other = one === a ? b : a
    return [...one.common].some((at) => other.kernel.steps.has(at) || other.reference.steps.has(at))
  })
  return shares && !conflicts
}
