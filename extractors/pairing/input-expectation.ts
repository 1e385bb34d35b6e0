import { fieldOf, fieldsOf, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { copiedVariable, copySource } from './copies.ts'
import type { PlanScope } from './program-plan.ts'
import type { SplitComparison } from './side-code.ts'
import { canonical } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, Variable } from './test-code.ts'

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

/**
 * The comparisons without those that expect a part of an input as it was, where others compare something that is computed by the same
 * call: what such a call only hands on says nothing about its kernels.
 */
export function withoutPassedThrough(plan: PlanScope, splits: readonly SplitComparison[]): SplitComparison[] {
  const selects = new Set(splits.filter((split) => selectsInput(plan, split)))
  return splits.filter(
    (split) => !selects.has(split) || !splits.some((other) => !selects.has(other) && sharesStep(split, other)),
  )
}

function sharesStep({ kernel }: SplitComparison, other: SplitComparison): boolean {
  return [...kernel.steps].some((at) => other.kernel.steps.has(at))
}

function selectsInput({ test, known }: PlanScope, { reference }: SplitComparison): boolean {
  const root = selectedRoot(reference.output)
  if (root === null || known.has(canonical(test, root)) || reference.modules.size > 0) return false
  return [...reference.steps].every((at) => {
    const step = test.steps[at]
    const assignment = step?.binds === null ? step.node.children[0] : undefined
    const right = assignment?.type === 'assignment' ? fieldOf(assignment, 'right') : (step?.node ?? null)
    return step !== undefined && right !== null && selectedRoot({ frame: step.frame, node: right }) !== null
  })
}

const SELECTS = /^(?:view|reshape|flatten|transpose|t|permute|squeeze|unsqueeze|narrow|contiguous|clone|detach)$/

// `x[:, 8:].clone()` is a part of `x`; `x[indices]` is computed.
function selectedRoot({ frame, node }: Code): Variable | null {
  const { file } = frame.module
  if (node.type === 'identifier') {
    const name = textOf(file, node)
    return frame.locals.has(name) ? variable(frame, name) : null
  }
  const next = (inner: SyntaxNode | null): Variable | null =>
    inner === null ? null : selectedRoot({ frame, node: inner })
  if (node.type === 'subscript') {
    const indices = fieldsOf(node, 'subscript')
    return indices.every(({ type }) => /^(?:slice|integer|ellipsis)$/.test(type)) ? next(fieldOf(node, 'value')) : null
  }
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  const method = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  return callee !== null && method !== null && SELECTS.test(textOf(file, method))
    ? next(fieldOf(callee, 'object'))
    : null
}
