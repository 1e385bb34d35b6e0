import { assignedValue } from '../python/assignments.ts'
import { evaluate } from '../python/evaluation.ts'
import type { PythonProject } from '../python/project.ts'
import { targetNames } from '../python/names.ts'
import { fieldOf } from '../python/syntax.ts'
import { truth } from '../python/values.ts'
import type { Value } from '../python/values.ts'
import { canonical } from './step-effects.ts'
import type { StepEffects } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, Frame, Guard, Step, TestCode, Variable } from './test-code.ts'
import type { WorkMeter } from './work-meter.ts'

/** Values of variables that are known without running anything. */
export type KnownValues = ReadonlyMap<Variable, Value>

/**
 * The values that variables have at the end of a test, as far as they follow from the values of its parameters alone: sizes, dtypes,
 * flags and what is computed from them. Tensors are never known.
 */
export function interpret(
  project: PythonProject,
  test: TestCode,
  effects: readonly StepEffects[],
  parameters: KnownValues,
  meter: Pick<WorkMeter, 'isSpent'>,
): KnownValues {
  const known = new Map(parameters)
  test.steps.forEach((step, at) => {
    for (const name of effects[at]?.changes ?? []) known.delete(name)
    for (const name of effects[at]?.defines ?? []) {
      const value = meter.isSpent() ? null : valueAfter(project, test, step, name, known)
      if (value === null) known.delete(name)
      else known.set(name, value)
    }
  })
  return known
}

/** The value of an expression of a test under known values, or null. */
export function valueOf(
  project: PythonProject,
  test: TestCode,
  { frame, node }: Code,
  known: KnownValues,
): Value | null {
  return evaluate({ project, module: frame.module, locals: localsOf(test, frame, known) }, node)
}

/** Whether a guard lets one pass; null where that is not known. */
export function passes(project: PythonProject, test: TestCode, guard: Guard, known: KnownValues): boolean | null {
  const value = valueOf(project, test, guard.condition, known)
  const holds = value === null ? null : truth(value)
  return holds === null ? null : holds === guard.holds
}

function valueAfter(
  project: PythonProject,
  test: TestCode,
  step: Step,
  name: Variable,
  known: KnownValues,
): Value | null {
  if (step.binds !== null) return valueOf(project, test, step, known)
  const { frame, node } = step
  // Only a plain assignment leaves a value that is known for sure.
  const assignment = node.type === 'expression_statement' ? node.children[0] : undefined
  const left = assignment?.type === 'assignment' ? fieldOf(assignment, 'left') : null
  if (left === null) return null
  const own = targetNames(frame.module.file, left).find((target) => canonical(test, variable(frame, target)) === name)
  const assigned =
    own === undefined
      ? null
      : assignedValue(frame.module.file, node, own, (inner) => valueOf(project, test, { frame, node: inner }, known))
  return assigned === 'not assigned' ? null : assigned
}

function localsOf(test: TestCode, frame: Frame, known: KnownValues): Map<string, Value | null> {
  return new Map([...frame.locals].map((name) => [name, known.get(canonical(test, variable(frame, name))) ?? null]))
}
