import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { parametersOf } from '../python/syntax.ts'
import type { Parameter, SyntaxNode } from '../python/syntax.ts'
import { variable } from './test-code.ts'
import type { Frame, FrameAxis, Step, Variable } from './test-code.ts'

/** Where the steps and axes of a test are collected. */
export interface StepCollector {
  readonly project: PythonProject
  readonly steps: Step[]
  readonly axes: FrameAxis[]
  readonly aliases: Map<Variable, Variable>
  frameOf(module: PythonModule, locals: ReadonlySet<string>): Frame
  newFrame(module: PythonModule, definition: SyntaxNode): Frame
}

/** Gives the parameters of a function that nobody gives a value their defaults. */
export function bindDefaults(
  reader: StepCollector,
  frame: Frame,
  definition: SyntaxNode,
  given: ReadonlySet<string>,
): void {
  const outside = reader.frameOf(frame.module, new Set())
  for (const { name, default: value } of parametersOf(frame.module.file, definition)) {
    if (given.has(name) || value === null) continue
    reader.steps.push({ frame: outside, node: value, binds: variable(frame, name), guards: [], contexts: [] })
  }
}

/** Whether a call gives all that a function asks for. One that does not fails, and compares nothing. */
export function isComplete(
  parameters: readonly Parameter[],
  numPositional: number,
  keywords: ReadonlyMap<string, SyntaxNode>,
): boolean {
  return parameters.every(
    ({ name, kind, default: value }, at) =>
      kind.endsWith('_splat') || value !== null || keywords.has(name) || (kind === 'positional' && at < numPositional),
  )
}
