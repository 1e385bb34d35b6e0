import type { Stage } from '../core/stage.ts'
import { exportStage } from '../stages/export.ts'
import { filterStage } from '../stages/filter.ts'
import { generateStage } from '../stages/generate.ts'
import { mineStage } from '../stages/mine.ts'
import { pairStage } from '../stages/pair.ts'
import { publishStage } from '../stages/publish.ts'
import type { Recipe } from '../stages/recipe.ts'
import { validateStage } from '../stages/validate.ts'

/** Every stage, in the order data passes through them. */
export const stages: readonly Stage<Recipe, unknown>[] = [
  mineStage,
  pairStage,
  generateStage,
  validateStage,
  filterStage,
  exportStage,
  publishStage,
]
