import type { CurateError } from '../../core/errors.ts'
import type { RunEvent } from '../../core/events.ts'
import { withoutSecrets } from '../../core/secrets.ts'
import type { Reporter } from './reporter.ts'
import { printableText } from './printable-text.ts'
import { renderError } from './terminal-reporter.ts'

/** Every event and result as one JSON object per line on standard output; draws nothing. */
export function openJsonReporter(): Reporter {
  return {
    emit: (event) => writeLine(event),
    progress: () => undefined,
    result: (_text, data) => writeLine({ type: 'result', data }),
    records: (_text, lines) => process.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join('')),
    error: (error) => {
      writeLine({ type: 'error', error })
      process.stderr.write(`${renderError(error)}\n`)
    },
    note: (text) => process.stderr.write(`${printableText(text)}\n`),
    close: () => undefined,
  }
}

type Line = RunEvent | { type: 'result'; data: unknown } | { type: 'error'; error: CurateError }

function writeLine(value: Line): void {
  process.stdout.write(`${JSON.stringify(value, replacer)}\n`)
}

// Errors have no enumerable fields of their own.
function replacer(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, message } = value
  return {
    name,
    message: withoutSecrets(message),
    ...Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'cause')),
  }
}
