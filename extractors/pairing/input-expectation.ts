import { fieldOf, textOf } from '../python/syntax.ts'
import { copiedVariable, copySource } from './copies.ts'
import type { PlanScope } from './program-plan.ts'
import type { SplitComparison } from './side-code.ts'
import type { Code } from './test-code.ts'

/**
 * Whether what a test expects is one of its inputs as it was: a property of two operations that undo each other, such as packing and
 * unpacking, and no reference of either. A kernel that says that it copies has no other reference.
 */
export function expectsInput(plan: PlanScope, { reference, kernels }: SplitComparison): boolean {
  const { project, test, identities, known } = plan
  const value = copySource(project, test, withoutViews(reference.output), identities)
  if (value === null || known.has(value) || reference.modules.size > 0) return false
  const isOnlyCopied = [...reference.steps].every((at) => {
    const step = test.steps[at]
    return step !== undefined && copiedVariable(project, test, step, identities) !== null
  })
  return isOnlyCopied && !(kernels.length === 1 && kernels.every(({ symbol }) => COPIES.test(symbol)))
}

// `copy_kernel`; not `copy_unified_indices_kernel`, which copies something else.
const COPIES =
  /^_*(?:triton_|cuda_|elementwise_)?(?:mem)?(?:cop(?:y|ies)|cpy|clone|identity|contiguous|move|load_store|pass_?through)(?:_?(?:\dd|kernel|fwd|forward|func|op))*$/i

// `ref.view(torch.uint8)` are the same bytes.
function withoutViews(code: Code): Code {
  const callee = code.node.type === 'call' ? fieldOf(code.node, 'function') : null
  const [object, method] = callee === null ? [] : [fieldOf(callee, 'object'), fieldOf(callee, 'attribute')]
  const isView = method !== null && method !== undefined && textOf(code.frame.module.file, method) === 'view'
  return isView && object !== null && object !== undefined ? withoutViews({ ...code, node: object }) : code
}

/** The comparisons without those that expect an input as it was, where others say more. */
export function withoutExpectedInputs(plan: PlanScope, splits: readonly SplitComparison[]): readonly SplitComparison[] {
  const telling = splits.filter((split) => !expectsInput(plan, split))
  return telling.length > 0 ? telling : splits
}
