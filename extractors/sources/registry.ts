import type { Source } from '../types.ts'
import { git } from './git.ts'

/** Where repositories may come from: one line per kind of source. */
export const sources = { git } satisfies Record<string, Source>
