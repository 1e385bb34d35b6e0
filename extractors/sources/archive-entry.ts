import { CurateError } from '../../pipelines/core/errors.ts'
import type { RepositoryFile } from '../types.ts'

/** A file of an archive, as the archive names it: nothing is known of where the name would lead. */
export interface ArchiveEntry {
  readonly path: string
  readonly numBytes: number
  readonly special: Exclude<RepositoryFile['special'], 'tree_absent'>
  /** Null for what is no ordinary file, and for files that are larger than a file may be. */
  readonly content: Buffer | null
}

/** What reading an archive may cost. */
export interface ArchiveLimits {
  /** Files and folders. */
  readonly maxEntries: number
  /** Bytes of all files together once decompressed, and of what lies between them. */
  readonly maxTotalBytes: number
  /** Bytes of one file; a larger one is listed and its content left out. */
  readonly maxFileBytes: number
}

/** An archive that is made to exhaust its readers, or is far larger than what is wanted. */
export function archiveTooLarge(what: string): CurateError {
  return new CurateError('archive_too_large', `the archive holds more than ${what}`, {
    hint: 'Raise the limit of the source if the package is really this large; otherwise remove it from the recipe.',
  })
}

/** An archive that is none, or is damaged. */
export function archiveUnreadable(detail: string): CurateError {
  return new CurateError('archive_unreadable', `the archive cannot be read: ${detail}`, {
    hint: 'The package was published so; remove the source from the recipe or take another version.',
  })
}
