import { textOf } from '../python/syntax.ts'
import type { SidePlan } from './program-plan.ts'
import type { SplitScope } from './side-code.ts'
import type { Variable } from './test-code.ts'

type Scope = Pick<SplitScope, 'effects' | 'modules' | 'test'>

/**
 * The steps that make the modules of a side, without those that only tie them to modules of the other side: both get the same
 * parameters anyway, by name, and a reference that made the kernel's module would hold the kernel. All of them where a module is
 * made from one of the other side.
 */
export function ownState({ effects, modules }: Scope, own: ReadonlySet<Variable>, steps: readonly number[]): number[] {
  const foreign = new Set([...modules.keys()].filter((name) => !own.has(name)))
  const kept: number[] = []
  for (const at of steps) {
    const { defines = NONE, changes = NONE, uses = NONE } = effects[at] ?? {}
    const isTied = [...defines, ...changes, ...uses].some((name) => foreign.has(name))
    if (!isTied) kept.push(at)
    else if ([...defines].some((name) => own.has(name))) return [...steps]
    else if (isBoth(changes, own, foreign)) kept.push(at)
    // What comes from a module of the other side is as foreign as that.
    else for (const name of defines) foreign.add(name)
  }
  return kept
}

const NONE: ReadonlySet<Variable> = new Set()

// `one.weight.data = other.weight.data = torch.rand(n)`
function isBoth(changes: ReadonlySet<Variable>, own: ReadonlySet<Variable>, foreign: ReadonlySet<Variable>): boolean {
  return [...changes].some((name) => own.has(name)) && [...changes].some((name) => foreign.has(name))
}

const DRAWS = /\b(?:rand\w*|normal_?|uniform_|bernoulli_?|multinomial|exponential_|\w*(?:xavier|kaiming|trunc)_\w+)\(/

/**
 * Both sides without the steps that draw what both constructors read, and the variables these steps make: drawn twice they would be two
 * different tensors, so they are drawn once and given to both.
 */
export function sharedState(
  { effects, modules, test }: Scope,
  { reference, kernel }: { readonly reference: SidePlan; readonly kernel: SidePlan },
): { reference: SidePlan; kernel: SidePlan; shared: ReadonlySet<Variable> } {
  const other = new Set(kernel.initSteps)
  const both = reference.initSteps.filter((at) => {
    const { defines = NONE, changes = NONE } = effects[at] ?? {}
    const step = test.steps[at]
    const draws = step !== undefined && DRAWS.test(textOf(step.frame.module.file, step.node))
    return draws && other.has(at) && defines.size > 0 && [...defines, ...changes].every((name) => !modules.has(name))
  })
  const shared = new Set(both.flatMap((at) => [...(effects[at]?.defines ?? [])]))
  const without = (side: SidePlan): SidePlan => ({
    ...side,
    initSteps: side.initSteps.filter((at) => !both.includes(at)),
  })
  return { reference: without(reference), kernel: without(kernel), shared }
}
