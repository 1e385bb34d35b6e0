import { z } from 'zod'
import { CurateError } from '../../core/errors.ts'
import type { Manifest } from '../../core/manifest.ts'
import type { StageJob } from '../types.ts'

const Failure = z.object({ code: z.string(), message: z.string(), hint: z.string(), retryable: z.boolean() })

// What a driver prints besides is no event: Ray's own words, tracebacks.
const Line = z.discriminatedUnion('type', [
  z.object({ type: z.literal('shard_started'), shard: z.string() }),
  z.object({ type: z.literal('progress'), shard: z.string(), done: z.number(), total: z.number() }),
  z.object({ type: z.literal('shard_finished'), shard: z.string() }),
  z.object({ type: z.literal('shard_failed'), shard: z.string(), error: Failure }),
  z.object({ type: z.literal('warning'), message: z.string(), hint: z.string() }),
])
type Line = z.infer<typeof Line>

/** Turns the log of a driver, which only grows, into the events of a run. */
export interface DriverEvents {
  /** Takes the whole log as it is now, and tells what is new in it. */
  take(log: string): Promise<void>
  /** Shards that failed so far. */
  readonly failed: ReadonlySet<string>
  /** Shards that came to an end so far. */
  readonly ended: ReadonlySet<string>
  /** The last lines that were no events: what a driver says when it breaks. */
  words(): string
}

/** Opens the events of the job of a stage; each shard is told once to have started and once to have ended. */
export function openDriverEvents(
  job: Pick<StageJob, 'stage' | 'shards' | 'emit'>,
  manifestOf: (shard: string) => Promise<Manifest>,
): DriverEvents {
  const { stage, emit } = job
  const known = new Set(job.shards)
  const started = new Set<string>()
  const ended = new Set<string>()
  const failed = new Set<string>()
  let taken = 0
  let words: string[] = []

  async function tell(line: Line): Promise<void> {
    if (line.type === 'warning') return emit(line)
    const { shard } = line
    if (!known.has(shard) || ended.has(shard)) return undefined
    if (line.type === 'progress') return emit({ ...line, stage })
    if (line.type === 'shard_started') {
      if (!started.has(shard)) emit({ type: 'shard_started', stage, shard })
      started.add(shard)
      return undefined
    }
    ended.add(shard)
    if (line.type === 'shard_failed') {
      failed.add(shard)
      const { code, message, ...rest } = line.error
      return emit({ type: 'shard_failed', stage, shard, error: new CurateError(code, message, rest) })
    }
    const manifest = await manifestOf(shard)
    return emit({ type: 'shard_finished', stage, shard, manifest })
  }
  return {
    async take(log) {
      const end = log.lastIndexOf('\n') + 1
      const lines = log.slice(taken, end).split('\n')
      taken = Math.max(taken, end)
      for (const text of lines) {
        const line = parseLine(text)
        if (line !== null) await tell(line)
        else if (text.trim() !== '' && !text.startsWith('{')) words = [...words, text].slice(-20)
      }
    },
    failed,
    ended,
    words: () => words.join('\n'),
  }
}

function parseLine(text: string): Line | null {
  try {
    const parsed = Line.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
