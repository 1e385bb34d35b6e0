import { argumentsOf, fieldOf, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { codeOf, sideCode, sliceOfValue } from './side-code.ts'
import type { Side, SplitComparison, SplitScope } from './side-code.ts'
import type { Code, TestComparison } from './test-code.ts'

/**
 * The two sides of a comparison of gradients, `assert_close(x.grad, x_ref.grad)`: of the values that were differentiated before it one
 * must come from kernels of the repository, backward halves included, and another from none.
 */
export function gradientSplit(scope: SplitScope, comparison: TestComparison): SplitComparison | null {
  const values = differentiated(scope, comparison)
  const slices = values.map(({ value, position }) => sliceOfValue(scope, { ...comparison, position }, value))
  const common = new Set(
    slices.flatMap(({ steps }, at) =>
      [...steps].filter((step) => slices.some((other, index) => index !== at && other.steps.has(step))),
    ),
  )
  if (scope.reachBackward(codeOf(scope, common)).length > 0) return null
  const sides = values.map(({ value }, at): Side => ({
    output: value,
    steps: new Set([...(slices[at]?.steps ?? [])].filter((step) => !common.has(step))),
    modules: slices[at]?.boundaryVariables ?? new Set(),
  }))
  const reached = sides.map((side) => scope.reachBackward(sideCode(scope, side)))
  const kernelAt = reached.findIndex((kernels) => kernels.length > 0)
  const referenceAt = reached.findIndex((kernels) => kernels.length === 0)
  const [kernel, reference] = [sides[kernelAt], sides[referenceAt]]
  const isPlain = reached.filter((kernels) => kernels.length > 0).length === 1
  if (kernel === undefined || reference === undefined || !isPlain) return null
  return { comparison, reference, kernel, common, kernels: reached[kernelAt] ?? [] }
}

interface Differentiated {
  readonly value: Code
  readonly position: number
}

// What `.backward()` is called on and what `torch.autograd.grad` is given, once for each place.
function differentiated({ test }: SplitScope, { position }: TestComparison): Differentiated[] {
  return test.steps.slice(0, position).flatMap(({ frame, node }, at) => {
    if (!textOf(frame.module.file, node).match(/backward|grad/)) return []
    return [...walk(node)].flatMap((call): Differentiated[] => {
      const value = call.type === 'call' ? differentiatedBy(frame.module.file, call) : null
      return value === null ? [] : [{ value: { frame, node: value }, position: at }]
    })
  })
}

function differentiatedBy(file: Code['frame']['module']['file'], call: SyntaxNode): SyntaxNode | null {
  const callee = fieldOf(call, 'function')
  if (callee?.type !== 'attribute') return null
  const name = fieldOf(callee, 'attribute')
  const object = fieldOf(callee, 'object')
  if (name === null || object === null) return null
  const first = argumentsOf(file, call).positional[0] ?? null
  const dotted = textOf(file, callee)
  if (dotted === 'torch.autograd.grad' || dotted === 'torch.autograd.backward' || dotted === 'autograd.grad')
    return first
  return textOf(file, name) === 'backward' ? object : null
}
