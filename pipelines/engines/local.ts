import PQueue from 'p-queue'
import { z } from 'zod'
import type { Engine } from './types.ts'

const Options = z.strictObject({})
type Options = z.infer<typeof Options>

/** This process, as many shards at a time as the stage allows; starts nothing new once the run is interrupted. */
export const local: Engine<Options> = {
  id: 'local',
  version: 1,
  summary: 'This machine',
  options: Options,
  async run({ shards, concurrency, signal, open }) {
    const session = await open()
    const failed: string[] = []
    try {
      const queue = new PQueue({ concurrency })
      await Promise.all(
        shards.map((shard) =>
          queue.add(async () => {
            if (!signal.aborted && !(await session.run(shard))) failed.push(shard)
          }),
        ),
      )
    } finally {
      await session.close()
    }
    return failed
  },
}
