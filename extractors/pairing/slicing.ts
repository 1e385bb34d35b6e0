import type { StepEffects } from './step-effects.ts'
import type { Guard, TestCode, Variable } from './test-code.ts'

/** The steps a value comes from, as positions in the test, and the variables that none of them defines. */
export interface Slice {
  readonly steps: ReadonlySet<number>
  readonly undefinedVariables: ReadonlySet<Variable>
  /** Variables of the boundary that the steps or the value read. */
  readonly boundaryVariables: ReadonlySet<Variable>
}

/** A place in a test from which one looks back. */
export interface LookBack {
  readonly test: TestCode
  readonly effects: readonly StepEffects[]
  /** Steps before this one are seen. */
  readonly position: number
  /** Conditions that hold at the place. */
  readonly guards: readonly Guard[]
  /** Variables whose origin is not followed. */
  readonly boundary: ReadonlySet<Variable>
}

/**
 * The backward slice of variables: every step before the place that may have had a part in their values. A step that gives a
 * variable a new value ends the search for it; one that changes it in place, or that may not have been reached, does not.
 */
export function backwardSlice(from: LookBack, variables: Iterable<Variable>): Slice {
  const wanted = new Set([...variables].filter((name) => !from.boundary.has(name)))
  const reached = new Set([...variables].filter((name) => from.boundary.has(name)))
  const steps = new Set<number>()
  const want = (names: Iterable<Variable>): void => {
    for (const name of names) (from.boundary.has(name) ? reached : wanted).add(name)
  }
  for (let at = from.position - 1; at >= 0; at -= 1) {
    const effect = from.effects[at]
    if (effect === undefined) continue
    const defined = [...effect.defines].filter((name) => wanted.has(name))
    const isChanged = [...effect.changes].some((name) => wanted.has(name))
    if (defined.length === 0 && !isChanged) continue
    steps.add(at)
    if (!mayBeSkipped(from, at)) for (const name of defined) wanted.delete(name)
    want(effect.uses)
    want([...effect.changes].filter((name) => !effect.defines.has(name)))
  }
  return { steps, undefinedVariables: wanted, boundaryVariables: reached }
}

/** The last step before a position that gives a variable a value or changes it, or null. */
export function lastWrite(
  effects: readonly StepEffects[],
  name: Variable,
  position: number,
  among: ReadonlySet<number>,
): number | null {
  for (let at = position - 1; at >= 0; at -= 1) {
    const effect = effects[at]
    if (among.has(at) && (effect?.defines.has(name) === true || effect?.changes.has(name) === true)) return at
  }
  return null
}

// An `if` that is one step may leave its variables as they were; so may a loop without turns, or a block whose condition is
// not known to hold at the place one looks from.
function mayBeSkipped({ test, guards }: LookBack, at: number): boolean {
  const step = test.steps[at]
  if (step === undefined) return true
  if (step.guards.some((guard) => !guards.includes(guard))) return true
  if (step.binds !== null) return false
  if (step.node.type === 'if_statement') return step.node.children.every((child) => child.type !== 'else_clause')
  return ['for_statement', 'while_statement', 'try_statement'].includes(step.node.type)
}
