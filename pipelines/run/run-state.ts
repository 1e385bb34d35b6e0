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
  /** What runs the shards, as manifests say it; `local` where nothing else is said. */
  readonly engine?: string
  /** The hash of the plan of the stage that runs. */
  readonly planHash?: string
  /** Files of finished shards that were found to be what their manifests say. */
  readonly checked?: Set<string>
}
