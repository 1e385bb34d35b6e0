import type { ShardKey, StageContext, World } from '../core/stage.ts'
import type { Recipe } from './recipe.ts'

/** The shards of `validate`, one per bucket of candidate ids. */
export function validateShards(recipe: Pick<Recipe, 'validate'>): ShardKey[] {
  return Array.from({ length: recipe.validate.shards }, (_, bucket) => ({
    stage: 'validate',
    shard: String(bucket).padStart(4, '0'),
  }))
}

/** The shards of `generate`: one per file of outputs, and one per entry that asks models or a compiler. */
function generateShards({ generate }: Pick<Recipe, 'generate'>): ShardKey[] {
  return [...generate.imports, ...generate.models, ...generate.compilers].map(({ id }) => ({
    stage: 'generate',
    shard: id,
  }))
}

/** Every shard before `filter` that holds tasks, candidates or evaluations; none where a file holds them. */
export function candidateShards(recipe: Recipe, world: World): ShardKey[] {
  if (recipe.input !== null) return []
  const resolved = recipe.sources.filter(({ id }) => typeof world.sources.get(id) === 'string')
  return [
    ...resolved.map(({ id }): ShardKey => ({ stage: 'pair', shard: id })),
    ...generateShards(recipe),
    ...validateShards(recipe),
  ]
}

/** The shards that a whole dataset needs and that are not there: failed ones, and those of sources out of reach. */
export function missingShards(context: StageContext<Recipe, undefined>): ShardKey[] {
  const { recipe, world, missingInputs } = context
  if (recipe.input !== null) return []
  const unresolved = recipe.sources.filter(({ id }) => typeof world.sources.get(id) !== 'string')
  return [...unresolved.map(({ id }): ShardKey => ({ stage: 'pair', shard: id })), ...missingInputs]
}
