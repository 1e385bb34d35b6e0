import { conciseness } from './conciseness.ts'
import { exactDedup } from './exact-dedup.ts'
import { license } from './license.ts'
import { passed } from './passed.ts'
import { reasoning } from './reasoning.ts'
import { speedup } from './speedup.ts'
import type { Filter } from './types.ts'

/** Filters in the order they run: one line each. */
export const filters = {
  passed,
  license,
  reasoning,
  speedup,
  conciseness,
  'exact-dedup': exactDedup,
} satisfies Record<string, Filter>
