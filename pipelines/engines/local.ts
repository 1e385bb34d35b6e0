import PQueue from 'p-queue'

/** Runs work in this process, at most `concurrency` pieces at a time; starts nothing new once the signal is aborted. */
export async function runLocally<Work>(
  work: readonly Work[],
  concurrency: number,
  signal: AbortSignal,
  run: (item: Work) => Promise<void>,
): Promise<void> {
  const queue = new PQueue({ concurrency })
  await Promise.all(
    work.map((item) =>
      queue.add(async () => {
        if (!signal.aborted) await run(item)
      }),
    ),
  )
}
