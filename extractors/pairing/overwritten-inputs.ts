import { textOf, walk } from '../python/syntax.ts'
import { original } from './copied-names.ts'
import { copiedVariable } from './copies.ts'
import { chosenFunctions } from './chosen-functions.ts'
import { changedBelow, changedByFunction } from './in-place-changes.ts'
import { mayBeTensor } from './input-values.ts'
import { writtenByCall } from './memory-writes.ts'
import type { PlanScope, SidePlan } from './program-plan.ts'
import { canonical, usedVariables } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, Variable } from './test-code.ts'

/**
 * The inputs whose memory a side writes to: by `x.relu_()`, `x[0] = 1` and their kin, by a call for its effect whose result is read
 * from them, or by a kernel that stores through a pointer to them. Lists, numbers and objects are none: only tensors are compared with what they were.
 */
export function overwrittenInputs(scope: PlanScope, side: SidePlan, inputs: readonly Variable[]): Variable[] {
  const { test, effects } = scope
  const names = otherNames(scope, side)
  const ownerOf = (name: Variable): Variable => original(names, original(side.copies, name))
  const steps = side.forwardSteps.flatMap((at) => test.steps[at] ?? [])
  const plain = [...steps, ...side.outputs].flatMap((code) => changedIn(scope, code))
  const read = new Set(side.outputs.flatMap((output) => [...usedVariables(test, output)].map(ownerOf)))
  const byCalls = side.forwardSteps
    .flatMap((at) => [...(effects[at]?.changes ?? [])])
    .filter((name) => read.has(ownerOf(name)))
  const inside = [...steps, ...side.outputs].flatMap((code) => writtenInside(scope, code))
  const written = new Set([...plain, ...byCalls, ...inside].map(ownerOf))
  return inputs.filter((name) => written.has(name) && mayBeTensor(scope, name))
}

/** Whether a side hands on an input itself, and not only a clone of it or facts about it. */
export function readsItself({ test }: PlanScope, side: SidePlan, name: Variable): boolean {
  const steps = side.forwardSteps.flatMap((at) => test.steps[at] ?? [])
  return [...steps, ...side.outputs].some(({ frame, node }) => {
    const { text } = frame.module.file
    const places = [...walk(node)].filter(({ type, start, end }) => {
      const written = type === 'identifier' ? text.slice(start, end) : ''
      return frame.locals.has(written) && original(side.copies, canonical(test, variable(frame, written))) === name
    })
    return places.some(({ start, end }) => text[start - 1] !== '.' && !NOT_ITSELF.test(text.slice(end, end + 40)))
  })
}

// `x.clone()`, `x.shape`, `x=...`
const NOT_ITSELF = /^(?:\.(?:detach\(\)\.)?(?:clone\(|shape|dtype|device|ndim|numel\(|size\(|dim\()|\s*=(?!=))/

function changedIn({ test }: PlanScope, { frame, node }: Code): Variable[] {
  return changedBelow(frame, node).flatMap((name) =>
    frame.locals.has(name) ? [canonical(test, variable(frame, name))] : [],
  )
}

// `out = launcher(x)` whose kernel stores to `x`.
function writtenInside({ project, test }: PlanScope, { frame, node }: Code): Variable[] {
  const calls = [...walk(node)].filter(({ type }) => type === 'call')
  const names = calls.flatMap((call) => {
    const meant = chosenFunctions(test, frame, call)
    if (meant.length === 0) return writtenByCall(project, frame, call)
    return meant.flatMap((callee) => [
      ...changedByFunction(frame, call, textOf(callee.frame.module.file, callee.node)),
      ...writtenByCall(project, frame, call, callee),
    ])
  })
  return names.filter((name) => frame.locals.has(name)).map((name) => canonical(test, variable(frame, name)))
}

// `y = x`, `y = x.detach()`: another name for the same memory.
function otherNames({ project, test, identities }: PlanScope, side: SidePlan): Map<Variable, Variable> {
  const names = new Map<Variable, Variable>()
  for (const at of side.forwardSteps) {
    const step = test.steps[at]
    const copied = step === undefined ? null : copiedVariable(project, test, step, identities)
    if (step === undefined || copied === null) continue
    if (!/\.clone\(/.test(textOf(step.frame.module.file, step.node))) names.set(copied.name, copied.of)
  }
  return names
}
