import { startProcess } from '../../pipelines/core/process.ts'

/** How busy the first GPU is, as its driver says five times a second: per cent of the time in which a kernel ran. */
export interface GpuUse {
  /** What was seen since it began, and ends it. Empty without `nvidia-smi`. */
  stop(): Promise<number[]>
}

/** Looks from now on. */
export function watchGpu(): GpuUse {
  const query = ['--id=0', '--query-gpu=utilization.gpu', '--format=csv,noheader,nounits', '--loop-ms=200']
  const child = startProcess('nvidia-smi', query)
  const seen = (async () => {
    let text = ''
    try {
      for await (const piece of child.output) text += piece.toString('utf8')
    } catch {
      // There is no such program, or it was ended.
    }
    return text.split('\n').slice(0, -1).map(Number).filter(Number.isFinite)
  })()
  return {
    async stop() {
      child.stop()
      await child.result
      return await seen
    },
  }
}
