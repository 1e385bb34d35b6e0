import type { ModuleStatement, PythonModule } from '../python/modules.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { Axis } from './test-axes.ts'

/** The variables of one call of a function: a test's own, or those of a helper it calls. */
export interface Frame {
  readonly id: number
  readonly module: PythonModule
  /** Names that are variables here; all others are looked up in the module. */
  readonly locals: ReadonlySet<string>
}

/** An expression or statement with the variables it may name. */
export interface Code {
  readonly frame: Frame
  readonly node: SyntaxNode
  /** The `with` items around a step that may matter to it, outermost first. */
  readonly contexts?: readonly Code[]
}

/** A variable of a frame: `<frame id>:<name>`. */
export type Variable = string

/** A condition that must hold, or must not, for a place to be reached. */
export interface Guard {
  readonly condition: Code
  readonly holds: boolean
}

/** One statement of a test, or the binding of a helper's parameter to what it was called with. */
export interface Step extends Code {
  /** The parameter or loop variable that the expression is bound to; null for a statement. */
  readonly binds: string | null
  readonly guards: readonly Guard[]
  readonly contexts: readonly Code[]
}

/** A comparison of a test: how far the steps have got, and which two values are compared. */
export interface TestComparison {
  readonly position: number
  readonly left: Code
  readonly right: Code
  readonly call: Code
  /** `switch`: nothing compares them, a benchmark measures the one or the other. */
  readonly form: 'call' | 'difference' | 'switch'
  readonly atol: Code | null
  readonly rtol: Code | null
  readonly guards: readonly Guard[]
  /** Helpers between the test and the comparison. */
  readonly depth: number
}

/** A test as straight-line code: helpers put in place, blocks that hold comparisons opened. */
export interface TestCode {
  readonly module: PythonModule
  /** Name of the function, or `__main__` for a script's main block. */
  readonly name: string
  readonly line: number
  readonly statement: ModuleStatement | null
  readonly steps: readonly Step[]
  readonly comparisons: readonly TestComparison[]
  readonly axes: readonly FrameAxis[]
  /** Conditions under which the test gives up before it compares anything. */
  readonly skips: readonly Guard[]
  /** Parameters of helpers that are just another name of a variable of their caller. */
  readonly aliases: ReadonlyMap<Variable, Variable>
  /** Expressions whose values change nothing; absent where there are none. */
  readonly unread?: ReadonlySet<SyntaxNode>
  readonly isSkipMarked: boolean
}

export interface FrameAxis {
  readonly frame: Frame
  readonly axis: Axis
}

/** How a variable is known across frames. */
export function variable(frame: Frame, name: string): Variable {
  return `${frame.id}:${name}`
}
