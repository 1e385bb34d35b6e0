import type { CurateError } from '../../core/errors.ts'
import type { Emit } from '../../core/events.ts'

/** Where a command's results and a run's events go: a terminal, a pipe or a JSON reader. Nothing else prints. */
export interface Reporter {
  readonly emit: Emit
  /** Draws how far a part of a command outside of any run has come; only people at a terminal see it. */
  progress(part: string, unit: string, done: number, total: number): void
  /** Shows a command's result: text for people, or the same as data for `--json`. */
  result(text: string, data: unknown): void
  /** The same for a result of many records: one bare JSON line each. */
  records(text: string, lines: readonly object[]): void
  /** Shows a remark that is not part of the result. */
  note(text: string): void
  /** Says what ended the command; people read it on standard error in either form. */
  error(error: CurateError): void
  /** Removes bars from the screen; called before the process ends in any way. */
  close(): void
}
