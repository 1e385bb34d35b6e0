import { resolveChain } from '../python/resolution.ts'
import { freeReferences } from '../python/references.ts'
import { textOf } from '../python/syntax.ts'
import type { MinedKernel } from '../types.ts'
import { passes } from './interpretation.ts'
import type { PlanScope } from './program-plan.ts'
import { codeOf } from './side-code.ts'
import type { SplitComparison } from './side-code.ts'
import type { Code } from './test-code.ts'

/**
 * How surely the reference of a test means the same as its kernel, from 0 to 1: 0.98 times a factor for each thing that weakens it.
 *
 * | what | factor |
 * |---|---|
 * | compared by a bound on the difference, not by a call | 0.95 |
 * | measured for the same thing by a benchmark, and not compared | 0.9 |
 * | not in a function that pytest runs | 0.95 |
 * | the test is marked to be skipped | 0.9 |
 * | each helper between the test and the comparison | 0.97 |
 * | a condition around the comparison that cannot be known | 0.95 |
 * | the reference calls a function whose name says neither that it is one nor that it is PyTorch's | 0.95 |
 * | the value of the kernel's side is called a reference, that of the other is not | 0.8 |
 * | each entry kernel beyond the second: the reference may stand for more than one of them | 0.97 |
 */
export function confidenceOf(
  plan: PlanScope,
  splits: readonly SplitComparison[],
  kernels: readonly MinedKernel[],
): number {
  const { test, project, known } = plan
  const comparisons = splits.map(({ comparison }) => comparison)
  const depth = Math.max(0, ...comparisons.map((comparison) => comparison.depth))
  const isUnknown = comparisons.some(({ guards }) =>
    guards.some((guard) => passes(project, test, guard, known) === null),
  )
  const factors = [
    comparisons.some(({ form }) => form === 'difference') ? 0.95 : 1,
    comparisons.some(({ form }) => form === 'switch') ? 0.9 : 1,
    test.name.startsWith('test') ? 1 : 0.95,
    test.isSkipMarked ? 0.9 : 1,
    0.97 ** depth,
    isUnknown ? 0.95 : 1,
    splits.some((split) => hasPlainReference(plan, split)) ? 0.95 : 1,
    splits.some(areNamedTheOtherWay) ? 0.8 : 1,
    0.97 ** Math.max(0, kernels.length - 2),
  ]
  return Math.round(factors.reduce((product, factor) => product * factor, 0.98) * 1000) / 1000
}

function areNamedTheOtherWay({ reference, kernel }: SplitComparison): boolean {
  const [own, other] = [kernel, reference].map(({ output }) => textOf(output.frame.module.file, output.node))
  const isReference = (text: string | undefined): boolean =>
    /(?:^|_)(?:ref|reference|expected|golden|torch|pytorch)(?:_|\d|$)/.test(text ?? '')
  return isReference(own) && !isReference(other)
}

const REFERENCE_NAME = /ref|torch|naive|native|golden|eager|slow|baseline|expected|truth|simple|plain|manual|base/i

function hasPlainReference(plan: PlanScope, { reference }: SplitComparison): boolean {
  const codes: Code[] = [reference.output, ...codeOf(plan, reference.steps)]
  const names = codes.flatMap(({ frame, node }) =>
    freeReferences(frame.module.file, node).flatMap(({ name, parts }) => {
      if (frame.locals.has(name)) return []
      const meaning = resolveChain(plan.project, frame.module, parts)
      return meaning.kind === 'definition' ? [meaning.name] : []
    }),
  )
  return names.some((name) => !REFERENCE_NAME.test(name))
}
