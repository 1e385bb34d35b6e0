import type { Logger } from '../core/log.ts'
import type { World } from '../core/stage.ts'
import type { WorkDirectory } from '../core/work-directory.ts'

/** What all stages of one run share. */
export interface RunState<Recipe> {
  readonly recipe: Recipe
  readonly recipeDirectory: string
  readonly world: World
  readonly directories: WorkDirectory
  readonly log: Logger
  readonly signal: AbortSignal
}
