import { targetNames } from '../python/names.ts'
import { fieldOf, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { PlanScope } from './program-plan.ts'
import { canonical } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Step, Variable } from './test-code.ts'

/** Whether an input may be a tensor, by what the test gives it last: no list, number or object of a class. */
export function mayBeTensor({ test, effects }: PlanScope, name: Variable): boolean {
  const step = test.steps.findLast((_, at) => effects[at]?.defines.has(name) === true)
  if (step === undefined) return false
  const { file } = step.frame.module
  return valuesOf(test, step, name).some((value) => {
    if (NO_TENSORS.test(value.type)) return false
    const callee = value.type === 'call' ? fieldOf(value, 'function') : null
    // A call of a class makes an object.
    return (
      callee === null ||
      !/(?:^|\.)[A-Z]\w*$|^(?:int|float|len|list|tuple)$|\.(?:item|tolist)$/.test(textOf(file, callee))
    )
  })
}

/** Whether some branch of the test makes an input `None`. */
export function mayBeNone({ test, effects }: PlanScope, name: Variable): boolean {
  const steps = test.steps.filter((_, at) => effects[at]?.defines.has(name) === true)
  return steps.some((step) => valuesOf(test, step, name).some(isNone))
}

function isNone(value: SyntaxNode): boolean {
  return value.type === 'none' || (value.type === 'conditional_expression' && value.children.some(isNone))
}

const NO_TENSORS =
  /^(?:list|dictionary|tuple|set|integer|float|string|none|true|false|.*_comprehension|expression_list)$/

// What a step assigns to a name, in each branch of a block.
function valuesOf(test: PlanScope['test'], { frame, node, binds }: Step, name: Variable): SyntaxNode[] {
  if (binds !== null) return [node]
  return [...walk(node)].flatMap((inner) => {
    const [left, right] = inner.type === 'assignment' ? [fieldOf(inner, 'left'), fieldOf(inner, 'right')] : []
    if (left === null || left === undefined || right === null || right === undefined) return []
    const targets = targetNames(frame.module.file, left).map((target) => canonical(test, variable(frame, target)))
    return targets.includes(name) ? [right] : []
  })
}
