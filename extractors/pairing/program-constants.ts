import { targetNames } from '../python/names.ts'
import { fieldOf } from '../python/syntax.ts'
import { literalText } from '../python/values.ts'
import { stepAt } from './program-plan.ts'
import type { PlanScope, ProgramPlan } from './program-plan.ts'
import { canonical, usedVariables } from './step-effects.ts'
import type { Code, TestCode, Variable } from './test-code.ts'

type Names = ReadonlyMap<Variable, string>

/** The parameters that the reference reads, by the names of the constants they become, which a workload may set. */
export function programConstants(scope: PlanScope, plan: ProgramPlan, names: Names): Map<Variable, string> {
  const { test } = scope
  const axes = test.axes.flatMap(({ frame, axis }) => axis.names.map((name) => canonical(test, `${frame.id}:${name}`)))
  const constants = axes.filter(
    (name) => isRead(scope, plan, name) && !plan.devices.has(name) && isLiteral(scope, name),
  )
  return new Map(constants.map((name) => [name, constantName(scope, plan, names, name)]))
}

// Whether anything depends on what a parameter was given: `m, n = 64, 64` at the top of a test makes it forget them.
function isRead({ test, effects }: PlanScope, plan: ProgramPlan, name: Variable): boolean {
  for (const at of [...new Set([...plan.inputSteps, ...plan.configurationSteps])].toSorted((a, b) => a - b)) {
    const step = stepAt(test, at)
    if (isCountedBy(test, step, name)) return false
    if (usedVariables(test, step).has(name)) return true
    if (effects[at]?.defines.has(name) === true && /^(?:expression_statement|assignment)$/.test(step.node.type))
      return false
  }
  return plan.inputs.includes(name) || plan.configuration.includes(name)
}

// `for i in range(4): ...` gives its variable a value before anything reads it, and leaves the last one behind.
function isCountedBy(test: TestCode, step: Code, name: Variable): boolean {
  const left = step.node.type === 'for_statement' ? fieldOf(step.node, 'left') : null
  if (left === null) return false
  const { file } = step.frame.module
  return targetNames(file, left).some((own) => canonical(test, `${step.frame.id}:${own}`) === name)
}

// A parameter that the test goes on to change needs a name of its own at module level: Python would take both for one local.
function constantName({ effects }: PlanScope, plan: ProgramPlan, names: Names, name: Variable): string {
  const steps = [...plan.inputSteps, ...plan.configurationSteps]
  const isChanged = steps.some((at) => effects[at]?.defines.has(name) === true)
  return isChanged ? `given_${names.get(name) ?? name}` : (names.get(name) ?? name)
}

function isLiteral({ parameters }: PlanScope, name: Variable): boolean {
  const value = parameters.get(name)
  return value !== undefined && literalText(value) !== null
}
