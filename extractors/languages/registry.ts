import type { Language } from '../types.ts'

/** Kernel languages: one line each. */
export const languages = {} satisfies Record<string, Language>
