import type { Evaluation } from './records/evaluation.ts'

/**
 * The evaluations that say something of the candidate. A workload on which the reference is broken, or on which a kernel
 * that returns zeros would pass, judges nobody: its failure is the task's, and the other workloads decide.
 */
export function judgedWorkloads(evaluations: readonly Evaluation[]): Evaluation[] {
  return evaluations.filter(({ blame }) => blame !== 'task')
}
