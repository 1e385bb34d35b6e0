import type { Filter } from './types.ts'

/** Filters in the order they run: one line each. */
export const filters = {} satisfies Record<string, Filter>
