import { copiedVariable, copySource } from './copies.ts'
import type { PlanScope } from './program-plan.ts'
import type { SplitComparison } from './side-code.ts'

/**
 * Whether what a test expects is one of its inputs as it was: a property of two operations that undo each other, such as packing and
 * unpacking, and no reference of either. A kernel that says that it copies has no other reference.
 */
export function expectsInput(plan: PlanScope, { reference, kernels }: SplitComparison): boolean {
  const { project, test, identities, known } = plan
  const value = copySource(project, test, reference.output, identities)
  if (value === null || known.has(value) || reference.modules.size > 0) return false
  const isOnlyCopied = [...reference.steps].every((at) => {
    const step = test.steps[at]
    return step !== undefined && copiedVariable(project, test, step, identities) !== null
  })
  return isOnlyCopied && !(kernels.length === 1 && kernels.every(({ symbol }) => COPIES.test(symbol)))
}

const COPIES = /cop(?:y|ies)|clone|identity|contiguous|assign|move|load_store|pass_?through|passthru/i
