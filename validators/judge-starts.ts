import { isGivenGpu } from '../pipelines/core/cluster-node.ts'
import { gpuWarning } from './device-warnings.ts'
import { startJudge } from './judge-process.ts'
import type { Judge } from './judge-process.ts'
import { machineFailure } from './machine-failure.ts'
import type { Seat } from './seats.ts'
import type { ValidatorWarning } from './types.ts'

/** Starts judges for seats. */
export interface JudgeStarts {
  /** A judge for a seat. Throws a CurateError where it cannot work there, or what went wrong when it was woken. */
  start(seat: Seat): Promise<Judge>
  /** Has one ready before there is a question for it. What goes wrong is said to whoever asks for one next. */
  wake(seat: Seat): Promise<void>
}

/** `warn` is told, by slot, of a GPU that cannot be used; `throwIfOver` throws where nobody needs a judge any more. */
export function judgeStarts(
  python: string,
  seats: readonly Seat[],
  { warn, throwIfOver }: { warn: (slot: string, warning: ValidatorWarning) => void; throwIfOver: () => void },
): JudgeStarts {
  const failed = new Map<Seat, unknown>()
  const startNow = async (seat: Seat): Promise<Judge> => {
    const { options } = seat
    const judge = await startJudge(python, options)
    const { gpu_unusable } = judge.ready
    try {
      // What fell back to the processor in the middle of a run would judge the rest of it as on another machine.
      if (gpu_unusable !== null && (isGivenGpu() || seats.some(({ hasWorked }) => hasWorked))) {
        throw machineFailure('device_unhealthy', gpu_unusable)
      }
      throwIfOver()
    } catch (error) {
      await judge.stop(0)
      throw error
    }
    seat.hasWorked ||= judge.ready.device === 'cuda'
    if (gpu_unusable !== null) warn(options.slot, gpuWarning(options.slot, gpu_unusable))
    return judge
  }
  return {
    start: async (seat) => {
      if (!failed.has(seat)) return await startNow(seat)
      const error = failed.get(seat)
      failed.delete(seat)
      throw error
    },
    wake: async (seat) => {
      // Nobody asked, and by now it may be otherwise.
      failed.delete(seat)
      try {
        seat.judge = await startNow(seat)
      } catch (error) {
        failed.set(seat, error)
      }
    },
  }
}
