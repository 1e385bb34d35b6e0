import { argumentsOf, fieldOf, nameChain, textOf, walk } from '../python/syntax.ts'
import type { MinedKernel } from '../types.ts'
import { gradientSplit } from './gradient-split.ts'
import type { RefusalReason } from './refusals.ts'
import { codeOf, sideCode, sliceOfValue } from './side-code.ts'
import type { Side, SplitComparison, SplitScope } from './side-code.ts'
import { usedVariables } from './step-effects.ts'
import type { Code, TestComparison } from './test-code.ts'

/** A comparison that is no evidence for a pair, with the kernels it would have been evidence for. */
export interface RefusedComparison {
  readonly reason: RefusalReason
  readonly detail: string | null
  readonly kernels: readonly MinedKernel[]
  /** The two sides, where they could be told apart and are still no pair: gradients of the one and of the other. */
  readonly split: SplitComparison | null
}

/**
 * Takes a comparison apart by the slices of its two values. One side must reach kernels of the repository and the other none; what
 * both come from must reach none either, since then the expected value would be made from a tested output.
 */
export function splitComparison(scope: SplitScope, comparison: TestComparison): SplitComparison | RefusedComparison {
  const values = [comparison.left, comparison.right]
  if (values.some(readsGradient)) return refusedGradient(scope, comparison)
  const slices = values.map((value) => sliceOfValue(scope, comparison, value))
  const [left, right] = slices
  if (left === undefined || right === undefined) throw new TypeError('a comparison has two values')
  const common = new Set([...left.steps].filter((at) => right.steps.has(at)))
  const only = [left, right].map((slice) => new Set([...slice.steps].filter((at) => !common.has(at))))
  const sides = values.map((output, at): Side => ({
    output,
    steps: only[at] ?? new Set(),
    modules: slices[at]?.boundaryVariables ?? new Set(),
  }))
  const reached = sides.map((side) => scope.reach(sideCode(scope, side)))
  const shared = scope.reach(codeOf(scope, common))
  // `dx, x.grad = x.grad.clone(), None` reads a gradient that no step of the slice has made.
  const isMadeBackward = sides.flatMap((side) => codeOf(scope, side.steps)).some(readsGradient)
  if (isMadeBackward && reached.every((kernels) => kernels.length === 0)) return refusedGradient(scope, comparison)
  const all = [...new Set([...reached.flat(), ...shared])]
  const refusal = refusalOf(scope, comparison, sides, reached, shared)
  const isLeft = (reached[0]?.length ?? 0) > 0
  const [kernel, reference] = isLeft ? [sides[0], sides[1]] : [sides[1], sides[0]]
  if (kernel === undefined || reference === undefined) throw new TypeError('a comparison has two sides')
  const split = { comparison, reference, kernel, common, kernels: reached[isLeft ? 0 : 1] ?? [] }
  if (refusal === null) return split
  if (refusal.reason !== 'gradient_only') return { ...refusal, kernels: all, split: null }
  const backward = scope.reachBackward(sideCode(scope, kernel))
  return { ...refusal, kernels: backward, split: { ...split, kernels: backward } }
}

function refusedGradient(scope: SplitScope, comparison: TestComparison): RefusedComparison {
  const before = codeOf(
    scope,
    scope.test.steps.keys().filter((at) => at < comparison.position),
  )
  const split = gradientSplit(scope, comparison)
  return { ...refused('gradient_only'), kernels: split?.kernels ?? scope.reachBackward(before), split }
}

const METADATA = new Set([
  'shape',
  'dtype',
  'device',
  'ndim',
  'size',
  'stride',
  'dim',
  'numel',
  'is_contiguous',
  'layout',
])

const COUNTS = new Set(['len', 'type'])
const CONVERSIONS = new Set(['tuple', 'list', 'str', 'int'])

function refusalOf(
  scope: SplitScope,
  comparison: TestComparison,
  sides: readonly Side[],
  reached: readonly (readonly MinedKernel[])[],
  shared: readonly MinedKernel[],
): Pick<RefusedComparison, 'reason' | 'detail'> | null {
  const outputs = sides.map(({ output }) => output)
  if (outputs.some(isMetadata)) return refused('metadata_only')
  if (outputs.some(({ node }) => LITERALS.has(node.type))) return refused('literal_expectation')
  const counts = reached.map((kernels) => kernels.length)
  if (counts.every((count) => count === 0)) return refused('expected_from_output')
  if (counts.every((count) => count > 0)) {
    const [first, second] = reached.map((kernels) =>
      kernels
        .map(({ id }) => id)
        .toSorted(byText)
        .join(' '),
    )
    return first === second ? refused('same_operator_twice') : refused('reference_is_kernel')
  }
  if (shared.length > 0) return refused('expected_from_output')
  const isGradient =
    outputs.some(readsGradient) ||
    codeOf(
      scope,
      sides.flatMap((side) => [...side.steps]),
    ).some(readsGradient)
  if (isGradient) return refused('gradient_only')
  const reference = sides[counts[0] === 0 ? 0 : 1]
  const comesFromNothing = reference !== undefined && reference.steps.size === 0 && reference.modules.size === 0
  return comesFromNothing && isLiteralCall(scope, reference.output, comparison) ? refused('literal_expectation') : null
}

const LITERALS = new Set(['integer', 'float', 'string', 'true', 'false', 'none', 'list', 'tuple'])

function refused(reason: RefusalReason): Pick<RefusedComparison, 'reason' | 'detail'> {
  return { reason, detail: null }
}

function isMetadata({ frame, node }: Code): boolean {
  const { file } = frame.module
  const value = node.type === 'subscript' ? fieldOf(node, 'value') : null
  if (value !== null) return isMetadata({ frame, node: value })
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  const name = callee?.type === 'identifier' ? textOf(file, callee) : ''
  const [first] = callee === null ? [] : argumentsOf(file, node).positional
  if (COUNTS.has(name)) return true
  if (CONVERSIONS.has(name) && first !== undefined) return isMetadata({ frame, node: first })
  const inner = node.type === 'call' ? fieldOf(node, 'function') : node
  const attribute = inner?.type === 'attribute' ? fieldOf(inner, 'attribute') : null
  return attribute !== null && METADATA.has(textOf(frame.module.file, attribute))
}

function readsGradient({ frame, node }: Code): boolean {
  return [...walk(node)].some((inner) => {
    const attribute = inner.type === 'attribute' ? fieldOf(inner, 'attribute') : null
    return attribute !== null && ['grad', 'backward'].includes(textOf(frame.module.file, attribute))
  })
}

// `torch.ones_like(out)`, `torch.tensor([1, 2])`, `0`: nothing is computed that a kernel could be compared with.
function isLiteralCall({ test }: SplitScope, output: Code, _comparison: TestComparison): boolean {
  const callee = output.node.type === 'call' ? fieldOf(output.node, 'function') : null
  const name = callee === null ? null : nameChain(output.frame.module.file, callee)?.at(-1)
  const isFactory = name !== undefined && name !== null && FACTORIES.has(name)
  return isFactory && usedVariables(test, output).size <= 1
}

const FACTORIES = new Set([
  'tensor',
  'zeros',
  'ones',
  'zeros_like',
  'ones_like',
  'full',
  'full_like',
  'as_tensor',
  'arange',
  'eye',
])

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}
