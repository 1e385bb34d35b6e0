import type { Source } from '../types.ts'

/** Where repositories may come from: one line per kind of source. */
export const sources = {} satisfies Record<string, Source>
