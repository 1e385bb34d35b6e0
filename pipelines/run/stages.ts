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
  withoutInput(mineStage),
  withoutInput(pairStage),
  withoutInput(generateStage),
  withoutInput(validateStage),
  filterStage,
  exportStage,
  publishStage,
]

// What a file holds already need not be made.
function withoutInput<Resource>(stage: Stage<Recipe, Resource>): Stage<Recipe, Resource> {
  return { ...stage, plan: (recipe, world) => (recipe.input === null ? stage.plan(recipe, world) : []) }
}
