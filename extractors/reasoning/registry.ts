import type { ReasoningSource } from '../types.ts'
import { commitMessage } from './commit-message.ts'

/** Where people's reasoning is found: one line each, the first that finds some wins. */
export const reasoningSources = { 'commit-message': commitMessage } satisfies Record<string, ReasoningSource>
