import type { PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'
import type { Value } from './values.ts'

/** What one evaluation has been through: it keeps the work linear in the code, whatever the constants say of each other. */
export interface EvaluationTrail {
  /** Expressions looked at so far. */
  steps: number
  /** Whether something was given up: values found from then on may depend on where the evaluation began. */
  isCut: boolean
  /** Constants met so far. */
  readonly met: Map<PythonModule, Map<string, Value | null | 'open'>>
  readonly known: WeakMap<PythonModule, Map<string, Value | null>>
  /** Expressions looked at by all evaluations of the project. */
  readonly work: { steps: number }
}

// `[a for a in range(5000) for b in range(5000) if a == b]`: no table of test parameters comes near this.
export const MAX_STEPS = 200_000

// Constants whose values do not depend on where an evaluation began, and what was done so far.
const SHARED = new WeakMap<PythonProject, Pick<EvaluationTrail, 'known' | 'work'>>()

/** Begins an evaluation. */
export function openTrail(project: PythonProject): EvaluationTrail {
  return { steps: 0, isCut: false, met: new Map(), ...sharedBy(project) }
}

/** How many expressions have been looked at in a project since it was opened. */
export function evaluatedSteps(project: PythonProject): number {
  return sharedBy(project).work.steps
}

function sharedBy(project: PythonProject): Pick<EvaluationTrail, 'known' | 'work'> {
  const shared = SHARED.get(project) ?? { known: new WeakMap(), work: { steps: 0 } }
  SHARED.set(project, shared)
  return shared
}

/** The value of a constant, computed once; a constant that is defined by itself (`A = max(A, 2)`) is not known there. */
export function rememberConstant(
  trail: EvaluationTrail,
  module: PythonModule,
  name: string,
  compute: () => Value | null,
): Value | null {
  const known = trail.known.get(module)?.get(name)
  if (known !== undefined) return known
  const met = trail.met.get(module) ?? new Map<string, Value | null | 'open'>()
  trail.met.set(module, met)
  const seen = met.get(name)
  if (seen === 'open') trail.isCut = true
  if (seen !== undefined) return seen === 'open' ? null : seen
  met.set(name, 'open')
  const value = compute()
  met.set(name, value)
  if (!trail.isCut) trail.known.set(module, (trail.known.get(module) ?? new Map()).set(name, value))
  return value
}
