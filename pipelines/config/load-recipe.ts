import { existsSync } from 'node:fs'
import { readFile, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { LineCounter, isMap, parseDocument, stringify } from 'yaml'
import type { Document } from 'yaml'
import { CurateError, messageOf, systemCodeOf, usageError } from '../core/errors.ts'
import { packageRoot } from '../core/package-root.ts'
import { Recipe } from '../stages/recipe.ts'
import { nearestName } from './nearest-name.ts'
import { applyOverrides, parseOverride } from './overrides.ts'
import { recipeError } from './recipe-errors.ts'

/** A recipe as read: checked, with all defaults filled in. */
export interface LoadedRecipe {
  readonly recipe: Recipe
  /** The file it came from, absolute. */
  readonly path: string
  /** The folder its relative paths are relative to. */
  readonly directory: string
}

/** Reads and checks a recipe: a path, or the name of a bundled one such as `quickstart`. */
export async function loadRecipe(nameOrPath: string, sets: readonly string[] = []): Promise<LoadedRecipe> {
  const overrides = sets.map(parseOverride)
  const path = await locateRecipe(nameOrPath)
  const lines = new LineCounter()
  const document = parseDocument(await readRecipe(path), { lineCounter: lines, prettyErrors: false })
  const syntaxError = document.errors[0]
  if (syntaxError !== undefined) throw notYaml(path, syntaxError.message, lines.linePos(syntaxError.pos[0]))
  if (!isMap(document.contents)) throw notYaml(path, 'the file must hold keys and values, such as `name: my-dataset`')
  const value = applyOverrides(expand(document, path), overrides)
  const parsed = Recipe.safeParse(value, { reportInput: true })
  if (!parsed.success) throw recipeError(parsed.error.issues, { path, document, lines, overrides })
  return { recipe: parsed.data, path, directory: dirname(path) }
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

// Aliases are counted while they are expanded: a small file can otherwise stand for gigabytes.
function expand(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw notYaml(path, messageOf(error))
  }
}

const MAX_RECIPE_BYTES = 1_000_000

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

async function readRecipe(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size > MAX_RECIPE_BYTES) throw notYaml(path, `it has ${size} bytes; a recipe has at most ${MAX_RECIPE_BYTES}`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    if (systemCodeOf(error) === 'EISDIR') throw notYaml(path, 'it is a folder')
    if (error instanceof TypeError) throw notYaml(path, 'it is not UTF-8 text')
    throw error
  }
}

function notYaml(path: string, detail: string, at?: { line: number; col: number }): CurateError {
  const place = at === undefined ? path : `${path}:${at.line}:${at.col}`
  return new CurateError('bad_recipe', `${place}: not a recipe: ${detail}`, {
    hint: 'A recipe is a YAML file; pipelines/recipes/quickstart.yaml is a commented one to start from.',
  })
}
