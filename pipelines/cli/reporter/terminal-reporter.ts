import { styleText } from 'node:util'
import type { CurateError } from '../../core/errors.ts'
import type { RunEvent } from '../../core/events.ts'
import { withoutSecrets } from '../../core/secrets.ts'
import { openStageBars } from './stage-bars.ts'
import type { StageBars } from './stage-bars.ts'
import { printableText } from './printable-text.ts'
import type { Reporter } from './reporter.ts'
import { formatCount, formatDuration } from './units.ts'

/** For people: a progress bar per stage on a terminal, one line per stage where there is none. */
export function openTerminalReporter(): Reporter {
  const bars = openStageBars(process.stderr)
  const parts = new Set<string>()
  const print = (text: string): void => {
    bars.stop()
    process.stdout.write(`${printableText(text)}\n`)
  }
  return {
    emit: (event) => show(event, bars),
    progress(part, unit, done, total) {
      if (!process.stderr.isTTY) return
      if (!parts.has(part)) bars.start(part, unit, 1)
      parts.add(part)
      bars.update(part, part, done, total)
    },
    result: print,
    records: print,
    note: (text) => bars.print(printableText(text)),
    error: (error) => void process.stderr.write(`${renderError(error)}\n`),
    close: () => bars.stop(),
  }
}

/** An error as three lines: what, what to do, and nothing secret. */
export function renderError(error: CurateError): string {
  const label = styleText('red', 'error')
  const message = printableText(withoutSecrets(error.message))
  return `${label} ${error.code}: ${message}\n  ${styleText('cyan', 'next')}: ${printableText(error.hint)}`
}

function show(event: RunEvent, bars: StageBars): void {
  switch (event.type) {
    case 'run_started':
      return bars.print(`${styleText('bold', event.recipe)} in ${event.directory}`)
    case 'stage_planned': {
      const due = event.shards.filter(({ state }) => state !== 'done' && state !== 'blocked')
      if (due.length > 0) bars.start(event.stage, event.unit, due.length)
      return undefined
    }
    case 'progress':
      return bars.update(event.stage, event.shard, event.done, event.total)
    case 'shard_finished':
      return bars.finishShard(event.stage)
    case 'shard_failed':
      bars.finishShard(event.stage)
      return bars.print(`${event.stage}/${event.shard}\n${renderError(event.error)}`)
    case 'stage_finished':
      return bars.finish(event.stage, formatDuration(event.duration_ms))
    case 'warning':
      return bars.print(printableText(`${styleText('yellow', 'warning')} ${event.message}\n  ${event.hint}`))
    case 'run_finished':
      bars.stop()
      return undefined
    case 'shard_started':
      return undefined
  }
}

/** One sentence on how a run ended. */
export function renderOutcome(event: Extract<RunEvent, { type: 'run_finished' }>, failures: number): string {
  const sentences = {
    done: 'All shards are done.',
    nothing_to_do: 'Nothing to do: every shard was done before and nothing changed.',
    incomplete: `${formatCount(failures, 'shard')} failed; everything else is kept. Run the same command again to retry.`,
    interrupted: 'Interrupted. Run the same command again to go on.',
  }
  return sentences[event.outcome]
}
