import { createInterface } from 'node:readline'
import { usageError } from '../../core/errors.ts'
import { openPlannedShards } from '../../run/planned-shards.ts'
import { formatCount } from '../reporter/units.ts'
import type { Reporter } from '../reporter/reporter.ts'

/** Flags of `curate shard`. */
export interface ShardOptions {
  readonly plan: string
  readonly shard: readonly string[]
  /** Position in the plan, from 0: what an array job has. */
  readonly index?: number
  /** Read names of shards from standard input, one a line, and stay warm between them. */
  readonly serve: boolean
  /** Only build ahead what they want, for GPUs of this architecture. */
  readonly ahead?: string
  /** What runs it, for the manifest. */
  readonly engine: string
  /** Where a plan in an object store is worked on. */
  readonly scratch: string
}

/** `curate shard`: runs shards of a plan on this machine. Exit code 1 where one failed; a bad kernel is a row and no failure. */
export async function runPlannedShards(
  options: ShardOptions,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number> {
  const { engine, scratch } = options
  const planned = await openPlannedShards(options.plan, { engine, scratch, emit: reporter.emit, signal })
  let failures = 0
  const capability = options.ahead === undefined ? null : capabilityOf(options.ahead)
  const run = async (shard: string): Promise<void> => {
    if (capability !== null) await planned.prepare(shard, capability)
    else if (!(await planned.run(shard))) failures += 1
  }
  try {
    if (options.serve) await serve((line) => (line.startsWith('{') ? planned.publish(line) : run(line)), signal)
    else for (const shard of namesOf(options, planned.shards)) if (!signal.aborted) await run(shard)
  } finally {
    await planned.close()
  }
  if (signal.aborted) return 130
  if (!options.serve) reporter.note(failures === 0 ? 'Done.' : `${formatCount(failures, 'shard')} failed.`)
  return failures === 0 ? 0 : 1
}

function capabilityOf(text: string): readonly [number, number] {
  const [, major, minor] = /^sm_(\d{1,2})(\d)$/.exec(text) ?? []
  if (major !== undefined && minor !== undefined) return [Number(major), Number(minor)]
  throw usageError(`--ahead takes an architecture and not ${text}`, 'For example --ahead sm_90 for H100.')
}

function namesOf({ shard, index }: ShardOptions, shards: readonly string[]): readonly string[] {
  if (index === undefined) {
    if (shard.length > 0) return shard
    throw usageError('no shard is named', 'Give --shard NAME, or --index NUMBER for its position in the plan.')
  }
  const found = shards[index]
  if (found !== undefined) return [found]
  throw usageError(`the plan has no shard at ${index}`, `It has ${shards.length}, counted from 0.`)
}

// Names of shards, and what a driver says of its job as JSON. Whoever writes the names bounds how many run at once. The end of the input is the end of the work.
async function serve(take: (line: string) => Promise<void>, signal: AbortSignal): Promise<void> {
  const running: Promise<void>[] = []
  const lines = createInterface({ input: process.stdin, signal })
  for await (const line of lines) if (line.trim() !== '') running.push(take(line.trim()))
  await Promise.all(running)
}
