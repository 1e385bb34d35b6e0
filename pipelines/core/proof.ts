import type { Evaluation } from './records/evaluation.ts'

// What ran a candidate, from the strongest evidence to none.
const PROOFS = ['gpu', 'cpu', 'interpreter', 'compiler', null] as const satisfies readonly Evaluation['proved_on'][]

/** The weakest evidence over all workloads: what may be said of the row as a whole. */
export function weakestProof(evaluations: readonly Evaluation[]): Evaluation['proved_on'] {
  const places = evaluations.map(({ proved_on }) => PROOFS.indexOf(proved_on))
  return PROOFS[Math.max(...places)] ?? null
}
