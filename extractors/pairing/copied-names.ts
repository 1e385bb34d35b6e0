import type { Variable } from './test-code.ts'

/** The variable that copies of copies come from. */
export function original(copies: ReadonlyMap<Variable, Variable>, name: Variable): Variable {
  const of = copies.get(name)
  return of === undefined ? name : original(copies, of)
}
