import type { Language } from '../types.ts'
import { cpp } from './cpp.ts'
import { cuda } from './cuda.ts'
import { triton } from './triton.ts'

/** Kernel languages: one line each. */
export const languages = { triton, cuda, cpp } satisfies Record<string, Language>
