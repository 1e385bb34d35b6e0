import { pino } from 'pino'
import type { Logger as PinoLogger } from 'pino'

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>

/** Opens the run's log file: one JSON object per line, synchronous so that nothing is lost to `kill -9`. */
export function openLog(path: string): Logger {
  const destination = pino.destination({ dest: path, sync: true, mkdir: true })
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: REDACTED }, destination)
}

/** A log that keeps nothing, for library use. */
export const silentLog: Logger = pino({ level: 'silent' })

const REDACTED = { paths: ['token', 'accessToken', '*.token', '*.accessToken', 'headers.authorization'], remove: true }
