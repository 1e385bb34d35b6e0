/**
 * A failure of a machine, a file or a setting: something a person can repair. A failure of a kernel is never thrown, it is
 * an evaluation or a reject.
 */
export class CurateError extends Error {
  /** snake_case name of the failure, stable across versions. */
  readonly code: string
  /** Whether the same work may succeed when simply run again. */
  readonly retryable: boolean
  /** What the reader should do next; always a whole sentence. */
  readonly hint: string

  constructor(code: string, message: string, options: { hint: string; retryable?: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CurateError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.hint = options.hint
  }
}

/** A wrong flag or recipe: exit code 2, and never retried. */
export function usageError(message: string, hint: string): CurateError {
  return new CurateError('usage', message, { hint })
}

/** What an unknown thrown value says, in one line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The operating system's error name (`ENOSPC`, `EACCES`, ...), or null where the error is none of its own. */
export function systemCodeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** Any thrown value as a CurateError, with the machine failures that have a known remedy named. */
export function toCurateError(error: unknown): CurateError {
  if (error instanceof CurateError) return error
  const known = KNOWN_SYSTEM_ERRORS[systemCodeOf(error) ?? '']
  if (known !== undefined) {
    return new CurateError(known.code, messageOf(error), { hint: known.hint, retryable: known.retryable, cause: error })
  }
  return new CurateError('internal', messageOf(error), {
    hint: 'This is a defect in curate: please report it with the log file of the run.',
    cause: error,
  })
}

const KNOWN_SYSTEM_ERRORS: Record<string, { code: string; hint: string; retryable: boolean }> = {
  ENOSPC: {
    code: 'disk_full',
    hint: 'Free some disk space and run the same command again: finished shards are kept.',
    retryable: true,
  },
  EDQUOT: {
    code: 'disk_full',
    hint: 'Your disk quota is used up: free some space and run the same command again.',
    retryable: true,
  },
  EACCES: { code: 'permission_denied', hint: 'Check who owns the path named above.', retryable: false },
  EPERM: { code: 'permission_denied', hint: 'Check who owns the path named above.', retryable: false },
  ENOTDIR: {
    code: 'not_a_folder',
    hint: 'A part of the path named above is a file: name another folder with --work-dir.',
    retryable: false,
  },
  ENAMETOOLONG: {
    code: 'name_too_long',
    hint: 'No file system takes a name that long: shorten the last part of the path named above.',
    retryable: false,
  },
  EROFS: { code: 'permission_denied', hint: 'The path is on a read-only file system.', retryable: false },
  EMFILE: { code: 'too_many_open_files', hint: 'Raise the limit with `ulimit -n 4096`.', retryable: true },
}
