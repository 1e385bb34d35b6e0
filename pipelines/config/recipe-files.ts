import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LineCounter, isMap, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import { z } from 'zod'
import { CurateError, messageOf, systemCodeOf } from '../core/errors.ts'
import { mergeRecipes } from './recipe-merging.ts'

/** A file of a recipe: its text with where everything in it stands. */
export interface RecipeFile {
  readonly path: string
  readonly document: Document
  readonly lines: LineCounter
}

/** A recipe put together from the files it extends. */
export interface RecipeText {
  /** Before it is checked. */
  readonly value: unknown
  /** The recipe's own file first; then, of those it extends, the ones whose word counts more before the others. */
  readonly files: readonly RecipeFile[]
}

/**
 * Reads a recipe and every file it extends. `extends` names one file or a list of files, relative to the file it stands in; each may
 * extend others. A later file adds to what the earlier ones say and overrides it: see `mergeRecipes`.
 */
export async function readRecipeText(path: string, below: readonly string[] = []): Promise<RecipeText> {
  if (below.includes(path)) throw notARecipe(path, `it extends itself: ${[...below, path].join(' → ')}`)
  if (below.length > MAX_DEPTH) throw notARecipe(path, `more than ${MAX_DEPTH} files extend each other`)
  const file = await readRecipeFile(path)
  const own = expand(file)
  const bases: RecipeText[] = []
  for (const name of extendedFiles(own, path)) {
    bases.push(await readRecipeText(resolve(dirname(path), name), [...below, path]))
  }
  const { extends: _, ...rest } = own
  return {
    value: [...bases.map(({ value }) => value), rest].reduce(mergeRecipes),
    files: [file, ...bases.toReversed().flatMap(({ files }) => files)],
  }
}

const MAX_DEPTH = 8
const MAX_RECIPE_BYTES = 1_000_000

async function readRecipeFile(path: string): Promise<RecipeFile> {
  const lines = new LineCounter()
  const document = parseDocument(await readText(path), { lineCounter: lines, prettyErrors: false })
  const [syntaxError] = document.errors
  if (syntaxError !== undefined) throw notARecipe(path, syntaxError.message, lines.linePos(syntaxError.pos[0]))
  if (!isMap(document.contents)) {
    throw notARecipe(path, 'the file must hold keys and values, such as `name: my-dataset`')
  }
  return { path, document, lines }
}

// Aliases are counted while they are expanded: a small file can otherwise stand for gigabytes.
function expand({ path, document }: RecipeFile): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(document.toJS({ maxAliasCount: 100 }))
  } catch (error) {
    throw notARecipe(path, messageOf(error))
  }
}

function extendedFiles(value: Record<string, unknown>, path: string): string[] {
  const names = z.union([z.string(), z.array(z.string())]).safeParse(value['extends'] ?? [])
  if (names.success) return [names.data].flat()
  throw notARecipe(path, '`extends` must be the path of a file, or a list of paths')
}

async function readText(path: string): Promise<string> {
  try {
    const found = await stat(path)
    // A pipe may be what a shell puts in the place of a file; a device may have no end.
    if (found.isCharacterDevice() || found.isBlockDevice()) throw notARecipe(path, 'it is a device')
    const { size } = found
    if (size > MAX_RECIPE_BYTES) {
      throw notARecipe(path, `it has ${size} bytes; a recipe has at most ${MAX_RECIPE_BYTES}`)
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') throw notARecipe(path, 'there is no such file')
    if (systemCodeOf(error) === 'EISDIR') throw notARecipe(path, 'it is a folder')
    if (error instanceof TypeError) throw notARecipe(path, 'it is not UTF-8 text')
    throw error
  }
}

function notARecipe(path: string, detail: string, at?: { line: number; col: number }): CurateError {
  const place = at === undefined ? path : `${path}:${at.line}:${at.col}`
  return new CurateError('bad_recipe', `${place}: not a recipe: ${detail}`, {
    hint: 'A recipe is a YAML file; pipelines/recipes/quickstart.yaml is a commented one to start from.',
  })
}
