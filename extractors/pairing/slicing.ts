import { boundNames } from '../python/names.ts'
import { fieldsOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { canonical } from './step-effects.ts'
import type { StepEffects } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Guard, TestCode, Variable } from './test-code.ts'
import { LEAVING, isSkipCall } from './test-statements.ts'

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
  // What one branch gives a value, and nothing before it, is read where that branch was taken.
  const sometimes = new Set<Variable>()
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
    for (const name of mayBeSkipped(from, at) ? [] : defined) {
      if (bindsAlways(from, at, name)) wanted.delete(name)
      else sometimes.add(name)
    }
    want(effect.uses)
    want([...effect.changes].filter((name) => !effect.defines.has(name)))
  }
  return {
    steps,
    undefinedVariables: new Set([...wanted].filter((name) => !sometimes.has(name))),
    boundaryVariables: reached,
  }
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

// Whether every branch of a step gives a variable a value.
function bindsAlways({ test }: LookBack, at: number, name: Variable): boolean {
  const step = test.steps[at]
  if (step === undefined || step.binds !== null || step.node.type !== 'if_statement') return true
  const binds = (node: SyntaxNode): boolean => {
    if (node.type === 'block') return node.children.some(binds)
    if (node.type === 'with_statement') return fieldsOf(node, 'body').some(binds)
    if (node.type === 'if_statement') {
      const branches = [node, ...node.children.filter(({ type }) => type === 'elif_clause' || type === 'else_clause')]
      const isComplete = branches.at(-1)?.type === 'else_clause'
      return isComplete && branches.every((branch) => blockOf(branch).some(binds))
    }
    if (LEAVING.has(node.type) || isSkipCall(step.frame.module.file, node)) return true
    return [...boundNames(step.frame.module.file, node)].some(
      (own) => canonical(test, variable(step.frame, own)) === name,
    )
  }
  return binds(step.node)
}

function blockOf(branch: SyntaxNode): readonly SyntaxNode[] {
  return fieldsOf(branch, branch.type === 'else_clause' ? 'body' : 'consequence')
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
