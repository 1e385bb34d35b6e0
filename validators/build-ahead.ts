import { usableCores } from '../pipelines/core/cluster-node.ts'
import { startJudge } from './judge-process.ts'
import { findPython } from './python-environment.ts'
import type { EvaluationRequest } from './types.ts'
import { questionOf } from './validator.ts'
import type { ValidatorSettings } from './validator.ts'
import { wantsBuilds } from './wants-builds.ts'

/** For whom is built, and where builds are kept. */
export interface BuildAheadOptions {
  /** Compute capability of the GPUs that will judge, such as [9, 0]. */
  readonly capability: readonly [number, number]
  readonly cacheFolder: string
  readonly signal: AbortSignal
}

/**
 * Builds what candidates want, on the cores of a machine that needs no GPU, into the cache that the judges of the GPUs look into. What
 * cannot be built here is built there: nothing is decided. Gives how many candidates were looked at.
 */
export async function buildAhead(
  requests: readonly EvaluationRequest[],
  settings: ValidatorSettings,
  { capability, cacheFolder, signal }: BuildAheadOptions,
): Promise<number> {
  const questions = requests.map((request) => questionOf(request, settings)).filter(wantsBuilds)
  if (questions.length === 0) return 0
  const { python } = await findPython()
  const threads = usableCores()
  const judge = await startJudge(python, { device: 'cpu', slot: 'cpu', cache_folder: cacheFolder, threads, builds_for: capability }) // prettier-ignore
  const stop = (): void => void judge.stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for (const question of questions) await judge.announce(question)
    await judge.settle(1000 * (60 + (2 * settings.build_timeout_s * questions.length) / threads))
    return questions.length
  } finally {
    signal.removeEventListener('abort', stop)
    await judge.stop(3000)
  }
}
