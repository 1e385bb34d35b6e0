import { fieldOf, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { original } from './copied-names.ts'
import type { PlanRefusal, PlanScope, ProgramPlan } from './program-plan.ts'
import { canonical } from './step-effects.ts'
import { variable } from './test-code.ts'

/** Why the inputs of a plan are none that both programs can be given, or null. */
export function inputRefusal(scope: PlanScope, plan: ProgramPlan): PlanRefusal | null {
  return redrawnRefusal(scope, plan) ?? commandLineRefusal(scope, plan) ?? objectRefusal(scope, plan)
}

// `x = make_input()` on one side: from there on it computes with another `x` than the one that both were given.
function redrawnRefusal({ effects, test }: PlanScope, plan: ProgramPlan): PlanRefusal | null {
  const inputs = new Set(plan.inputs)
  for (const side of [plan.reference, plan.kernel]) {
    for (const at of side.forwardSteps) {
      const { defines = new Set<string>(), uses = new Set<string>() } = effects[at] ?? {}
      const redrawn = [...defines].filter((name) => inputs.has(name) && !side.copies.has(name))
      const isDerived = [...uses].some((name) => inputs.has(original(side.copies, name)))
      const step = test.steps[at]
      const isBuffer = step !== undefined && BUFFER.test(textOf(step.frame.module.file, step.node))
      if (redrawn.length > 0 && !isDerived && !isBuffer)
        return { reason: 'interleaved_inputs', detail: nameIn(redrawn[0]) }
    }
  }
  return null
}

// What holds nothing that the other side should have been given.
const BUFFER = /=\s*torch\.(?:empty|zeros|ones|full)(?:_like)?\(|^\w+\s*=\s*(?:None|\[\]|\(\)|\{\})\s*$/

function nameIn(name = ''): string {
  return name.slice(name.indexOf(':') + 1)
}

// What a script is told when it is started nobody tells it when its parts run.
function commandLineRefusal({ test }: PlanScope, plan: ProgramPlan): PlanRefusal | null {
  const sides = [plan.reference, plan.kernel].flatMap((side) => [...side.initSteps, ...side.forwardSteps])
  for (const at of [...plan.inputSteps, ...plan.configurationSteps, ...sides]) {
    const step = test.steps[at]
    const text = step === undefined ? '' : textOf(step.frame.module.file, step.node)
    if (/\bargparse\b|\.parse_(?:known_)?args\(|\bsys\.argv\b/.test(text))
      return { reason: 'command_line', detail: text.split('\n', 1)[0] ?? null }
  }
  return null
}

// `settings.need_bias(bias)`: an input that only code of the repository can make, of which each side has a class of its own.
function objectRefusal({ test }: PlanScope, plan: ProgramPlan): PlanRefusal | null {
  const inputs = new Set(plan.inputs)
  for (const at of plan.inputSteps) {
    const step = test.steps[at]
    for (const node of step === undefined ? [] : walk(step.node)) {
      const callee = node.type === 'expression_statement' ? calleeOf(node) : null
      const [object, method] = [fieldOf(callee ?? node, 'object'), fieldOf(callee ?? node, 'attribute')]
      if (step === undefined || callee === null || object?.type !== 'identifier' || method === null) continue
      const { file } = step.frame.module
      const name = canonical(test, variable(step.frame, textOf(file, object)))
      if (inputs.has(name) && !PLAIN_METHODS.test(textOf(file, method)))
        return { reason: 'object_input', detail: textOf(file, object) }
    }
  }
  return null
}

function calleeOf(statement: SyntaxNode): SyntaxNode | null {
  const call = statement.children[0]
  return call?.type === 'call' ? fieldOf(call, 'function') : null
}

// Of tensors, lists and dictionaries.
const PLAIN_METHODS =
  /_$|^(?:append|extend|insert|pop|remove|clear|sort|reverse|update|add|setdefault|backward|retain_grad|register_hook|detach|to|cuda|cpu|size|numel|item|tolist|contiguous|set_|fill)$/
