import type { ReasoningSource } from '../types.ts'

/** Where people's reasoning is found: one line each, the first that finds some wins. */
export const reasoningSources = {} satisfies Record<string, ReasoningSource>
