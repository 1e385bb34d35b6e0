import { BASELINES } from '../pipelines/core/records/evaluation.ts'
import type { Question } from './judge-process.ts'

/**
 * Milliseconds after which a judge that has not answered hangs. Every step of a judge has a limit of its own: a handful of builds,
 * per workload a few dozen calls of reference and candidate, and baselines that are compiled.
 */
export function longestWait({ task, settings }: Question): number {
  const workloads = Math.max(1, task.workloads.length)
  const steps = (8 * settings.calls + 60) * workloads
  const timed = workloads * (1 + (settings.baselines ?? BASELINES).length)
  const building = (4 + timed) * settings.build_timeout_s
  return 1000 * (120 + building + steps * settings.timeout_s + timed * settings.timing_s)
}
