import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { stringify } from 'yaml'
import type { z } from 'zod'
import { usageError } from '../core/errors.ts'
import { candidateFacts } from '../core/records/candidate-facts.ts'
import { predicateProblem } from '../core/sql-predicate.ts'
import { packageRoot } from '../core/package-root.ts'
import { Recipe } from '../stages/recipe.ts'
import { nearestName } from './nearest-name.ts'
import { applyOverrides, parseOverride } from './overrides.ts'
import type { Override } from './overrides.ts'
import { recipeError } from './recipe-errors.ts'
import { readRecipeText } from './recipe-files.ts'

/** A recipe as read: checked, with all defaults filled in. */
export interface LoadedRecipe {
  readonly recipe: Recipe
  /** The file it came from, absolute. */
  readonly path: string
  /** The folder its relative paths are relative to. */
  readonly directory: string
}

/** Reads and checks a recipe: a path, or the name of a bundled one such as `quickstart`. */
export async function loadRecipe(
  nameOrPath: string,
  sets: readonly string[] = [],
  input: string | null = null,
): Promise<LoadedRecipe> {
  const overrides = [...sets.map(parseOverride), ...(input === null ? [] : [inputOverride(input)])]
  const path = await locateRecipe(nameOrPath)
  const { value, files } = await readRecipeText(path)
  const overridden = applyOverrides(value, overrides)
  const parsed = Recipe.safeParse(overridden, { reportInput: true })
  if (!parsed.success) throw recipeError(parsed.error.issues, { files, overrides, value: overridden })
  const issues = await predicateIssues(parsed.data)
  if (issues.length > 0) throw recipeError(issues, { files, overrides, value: overridden })
  return { recipe: parsed.data, path, directory: dirname(path) }
}

// `--input` is relative to where the user is, what a recipe names to the recipe.
function inputOverride(input: string): Override {
  return { text: `input=${input}`, path: ['input'], value: resolve(input) }
}

// What only the database can say is said before anything runs.
async function predicateIssues({ filters }: Recipe): Promise<z.core.$ZodIssue[]> {
  const predicate = filters['where']
  if (typeof predicate !== 'string') return []
  const problem = await predicateProblem(predicate, candidateFacts.columns)
  if (problem === null) return []
  return [
    { code: 'custom', path: ['filters', 'where'], input: predicate, message: `not a predicate over facts: ${problem}` },
  ]
}

/** A recipe as text, all defaults spelled out: what a run records and a dataset is published with. */
export function renderRecipe(recipe: Recipe): string {
  return stringify(recipe, { lineWidth: 120 })
}

/** The bundled recipes: name to absolute path. */
export async function bundledRecipes(): Promise<Map<string, string>> {
  const directory = join(packageRoot, 'pipelines', 'recipes')
  const files = (await readdir(directory)).filter((file) => file.endsWith('.yaml')).sort()
  return new Map(files.map((file) => [basename(file, '.yaml'), join(directory, file)]))
}

async function locateRecipe(nameOrPath: string): Promise<string> {
  const bundled = await bundledRecipes()
  const path = bundled.get(nameOrPath)
  if (path !== undefined) return path
  if (existsSync(nameOrPath)) return resolve(nameOrPath)
  const names = [...bundled.keys()]
  const nearest = nearestName(basename(nameOrPath, '.yaml'), names)
  const guess = nearest === null ? '' : ` Did you mean \`${nearest}\`?`
  throw usageError(
    `there is no recipe ${nameOrPath}`,
    `Give the path of a YAML file, or one of the bundled recipes: ${names.join(', ')}.${guess}`,
  )
}
