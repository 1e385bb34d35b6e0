import type { RunEvent } from '../../core/events.ts'
import type { Reporter } from './reporter.ts'

/** Every event and result as one JSON object per line on standard output; draws nothing. */
export function openJsonReporter(): Reporter {
  return {
    emit: (event) => writeLine(event),
    result: (_text, data) => writeLine({ type: 'result', data }),
    note: (text) => process.stderr.write(`${text}\n`),
    close: () => undefined,
  }
}

function writeLine(value: RunEvent | { type: 'result'; data: unknown }): void {
  process.stdout.write(`${JSON.stringify(value, replacer)}\n`)
}

// Errors have no enumerable fields of their own.
function replacer(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, message } = value
  return { name, message, ...Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'cause')) }
}
