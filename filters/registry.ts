import { caps } from './caps.ts'
import { conciseness } from './conciseness.ts'
import { concur } from './concur.ts'
import { contracts } from './contracts.ts'
import { decontamination } from './decontamination.ts'
import { diversity } from './diversity.ts'
import { evidence } from './evidence.ts'
import { exactDedup } from './exact-dedup.ts'
import { grounded } from './grounded.ts'
import { license } from './license.ts'
import { nearDedup } from './near-dedup.ts'
import { passed } from './passed.ts'
import { policy } from './policy.ts'
import { provenance } from './provenance.ts'
import { reasoning } from './reasoning.ts'
import { roofline } from './roofline.ts'
import { safety } from './safety.ts'
import { semanticDedup } from './semantic-dedup.ts'
import { speedup } from './speedup.ts'
import { taskScore } from './task-score.ts'
import type { Filter } from './types.ts'
import { where } from './where.ts'

/** Filters in the order they run: one line each. */
export const filters = {
  passed,
  evidence,
  contracts,
  policy,
  provenance,
  license,
  safety,
  decontamination,
  reasoning,
  grounded,
  speedup,
  roofline,
  where,
  conciseness,
  'exact-dedup': exactDedup,
  'near-dedup': nearDedup,
  'semantic-dedup': semanticDedup,
  concur,
  'task-score': taskScore,
  caps,
  diversity,
} satisfies Record<string, Filter>
