import { isGivenGpu, usableCores } from '../pipelines/core/cluster-node.ts'
import { devicePeaks } from '../pipelines/core/device-peaks.ts'
import { listGpus } from './gpu-list.ts'
import type { Gpu } from './gpu-list.ts'
import { machineFailure } from './machine-failure.ts'
import type { Judge } from './judge-process.ts'
import type { JudgeOptions } from './protocol.ts'

/** How many judges there are to be, and what they share. */
export interface SeatOptions {
  /** Judges at a time; null for up to six per GPU, or one per two cores. */
  readonly workers: number | null
  readonly cacheFolder: string
  /** Whether judges leave a GPU alone that is there. */
  readonly onProcessor?: boolean
  /** GPUs to judge on; all that can be seen where it is not said. */
  readonly gpus?: readonly Gpu[]
  /** Whether no candidate is timed: judging takes less of a busy processor then. */
  readonly timesNothing?: boolean
}

/** A place for one judge, with the judge that sits there, if any, and the task whose reference it holds. */
export interface Seat {
  readonly options: JudgeOptions
  judge: Judge | null
  taskId: string | null
  busy: boolean
  /** Whether its device was taken out of use. */
  isDrained: boolean
  /** Whether a judge on it has had a GPU to work with. */
  hasWorked: boolean
}

// While one times, alone on the device, the others start processes and compile. Each of those takes 1.5 GB of the GPU.
const JUDGES_PER_GPU = 6

/** Places on the GPUs of this machine, or on its processor. */
export async function planSeats(options: SeatOptions): Promise<Seat[]> {
  const cores = usableCores()
  const gpus = options.onProcessor === true ? [] : (options.gpus ?? (await listGpus()))
  if (gpus.length > 0) {
    const count = options.workers ?? gpus.length * Math.max(1, Math.min(JUDGES_PER_GPU, Math.floor(cores / 2)))
    const threads = Math.max(1, Math.floor(cores / count))
    return Array.from({ length: count }, (_, index) => {
      const gpu = gpus[index % gpus.length]
      return seatFor(options, 'cuda', gpu?.uuid ?? '', threads, devicePeaks(gpu?.name ?? ''))
    })
  }
  if (isGivenGpu() && options.onProcessor !== true) {
    throw machineFailure('device_unhealthy', 'this process was given one, and the driver shows none')
  }
  const count = options.workers ?? Math.max(1, Math.floor(cores / 2))
  const threads = Math.max(1, Math.floor(cores / count))
  return Array.from({ length: count }, () => seatFor(options, 'cpu', 'cpu', threads))
}

function seatFor(
  options: SeatOptions,
  device: JudgeOptions['device'],
  slot: string,
  threads: number,
  peaks: JudgeOptions['peaks'] = null,
): Seat {
  return {
    options: {
      device,
      slot,
      cache_folder: options.cacheFolder,
      threads,
      peaks,
      times_nothing: options.timesNothing ?? false,
    },
    judge: null,
    taskId: null,
    busy: false,
    isDrained: false,
    hasWorked: false,
  }
}

/** Whether something may be asked there; with `otherThan` only on another device than that. */
export function isForSeat({ isDrained, options: { slot } }: Seat, otherThan: string | null): boolean {
  return !isDrained && slot !== otherThan
}

/** Ends the judge of a seat. */
export async function dismiss(seat: Seat, patienceMs = 0): Promise<void> {
  const { judge } = seat
  seat.judge = null
  seat.taskId = null
  await judge?.stop(patienceMs)
}
