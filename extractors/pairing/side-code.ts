import type { MinedKernel } from '../types.ts'
import { isHarmless } from './contexts.ts'
import type { ModuleVariables } from './module-variables.ts'
import { backwardSlice } from './slicing.ts'
import type { LookBack, Slice } from './slicing.ts'
import { usedVariables } from './step-effects.ts'
import type { StepEffects } from './step-effects.ts'
import type { Code, TestCode, TestComparison, Variable } from './test-code.ts'

/** A comparison taken apart: what only the reference needs, what only the kernel needs, what both need. */
export interface SplitComparison {
  readonly comparison: TestComparison
  readonly reference: Side
  readonly kernel: Side
  /** Steps both sides come from: where the inputs are made. */
  readonly common: ReadonlySet<number>
  /** Kernels that the kernel's side reaches. */
  readonly kernels: readonly MinedKernel[]
}

export interface Side {
  readonly output: Code
  /** Steps that only this side needs. */
  readonly steps: ReadonlySet<number>
  /** Modules that it calls. */
  readonly modules: ReadonlySet<Variable>
}

/** Finds the kernels that code of a test reaches, through any number of functions. */
export type KernelReach = (codes: readonly Code[]) => readonly MinedKernel[]

/** What is needed to take comparisons of a test apart. */
export interface SplitScope {
  readonly test: TestCode
  /** Without the steps that only copy parameters from one module to another. */
  readonly effects: readonly StepEffects[]
  readonly modules: ModuleVariables
  readonly reach: KernelReach
  /** The same with the backward halves of autograd functions. */
  readonly reachBackward: KernelReach
}

/** All code of a side: its value, its steps and the modules it calls. */
export function sideCode(scope: SplitScope, side: Side): Code[] {
  return [side.output, ...codeOf(scope, side.steps), ...moduleCode(scope, side)]
}

/** The statements of steps, as code, with the `with` items around them that matter. */
export function codeOf({ test }: Pick<SplitScope, 'test'>, steps: Iterable<number>): Code[] {
  return [...steps].flatMap((at) => {
    const step = test.steps[at]
    return step === undefined ? [] : [step, ...step.contexts.filter((context) => !isHarmless(context))]
  })
}

/** The steps that a value of a comparison comes from; modules are not followed. */
export function sliceOfValue(scope: SplitScope, { position, guards }: TestComparison, value: Code): Slice {
  const from: LookBack = { ...scope, position, guards, boundary: new Set(scope.modules.keys()) }
  return backwardSlice(from, usedVariables(scope.test, value))
}

// The steps that make the modules a side calls: their classes reach what calling them reaches.
function moduleCode(scope: SplitScope, { modules }: Side): Code[] {
  return codeOf(
    scope,
    [...modules].flatMap((name) => scope.modules.get(name) ?? []),
  )
}
