import { datasetPages } from '../stages/dataset-pages.ts'
import { recipeJsonSchema } from './recipe-schema.ts'
import { recipePages } from './recipe-pages.ts'
import { recordPages } from './record-pages.ts'

/** Path in the repository to content, of every committed file that is derived from a declaration in the code. */
export async function generatedFiles(): Promise<Map<string, string>> {
  return new Map([
    ['pipelines/config/recipe.schema.json', `${JSON.stringify(recipeJsonSchema, null, 2)}\n`],
    ...recordPages(),
    ...(await recipePages()),
    ...datasetPages(),
  ])
}
