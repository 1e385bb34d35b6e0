import { readdir, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { sources } from '../../extractors/sources/registry.ts'
import type { Source, SourceContext } from '../../extractors/types.ts'
import { describeDevice } from '../../validators/device.ts'
import type { LoadedRecipe } from '../config/load-recipe.ts'
import { CurateError, messageOf, systemCodeOf } from '../core/errors.ts'
import { hashOf, sha256OfFile } from '../core/hash.ts'
import { enabledPlugins } from '../core/plugin.ts'
import type { Registry } from '../core/plugin.ts'
import type { World } from '../core/stage.ts'
import { filesOfRecipe } from '../stages/generate.ts'
import { hubFacts } from '../stages/publish.ts'
import type { Recipe, SourceEntry } from '../stages/recipe.ts'
import { lockSources } from './source-lock.ts'
import type { SourceAnswer } from './source-lock.ts'

/** A source that could not be reached: its shards fail, everything else goes on. */
export interface UnreachableSource {
  readonly id: string
  readonly error: unknown
}

/** Settles every fact that plans look at: commits of sources, hashes of local files, the device, the Hub. */
export async function settleWorld(
  { recipe, directory }: LoadedRecipe,
  sourceLockFile: string,
  asking: { readonly update: boolean; readonly keep: boolean; readonly device: string | null },
  context: SourceContext,
): Promise<{ world: World; unreachable: UnreachableSource[] }> {
  const questions = (recipe.input === null ? recipe.sources : []).map((entry) => ({
    id: entry.id,
    entry,
    resolve: () => resolveSource(entry, context),
  }))
  const answers = await lockSources(sourceLockFile, questions, asking)
  const files = await hashFiles(recipe, directory)
  const world: World = {
    sources: new Map(answers.map((answer) => [answer.id, commitOf(answer)])),
    files,
    device: asking.device ?? (await describeDevice()),
    ...(await hubFacts(recipe)),
  }
  return { world, unreachable: answers.flatMap((answer) => ('error' in answer ? [answer] : [])) }
}

function commitOf(answer: SourceAnswer): string | null {
  return 'commit' in answer ? answer.commit : null
}

async function resolveSource(entry: SourceEntry, context: SourceContext): Promise<string> {
  const registry: Registry<Source> = sources
  const [enabled] = enabledPlugins(registry, entry)
  if (enabled === undefined) throw new TypeError(`source ${entry.id} has no kind`)
  return enabled.plugin.resolve(enabled.options, context)
}

async function hashFiles(recipe: Recipe, directory: string): Promise<Map<string, string>> {
  const hashes = filesOfRecipe(recipe).map(async (path) => {
    return [path, await hashFile(resolve(directory, path), flagFor(path, recipe))] as const
  })
  return new Map(await Promise.all(hashes))
}

// How the command line says where the file is.
function flagFor(path: string, { input, tokenizer, generate }: Recipe): string {
  if (path === input) return '--input FILE'
  if (path === tokenizer) return '--set tokenizer=$PWD/FILE'
  const index = generate.imports.findIndex((entry) => entry.path === path)
  if (index !== -1) return `--set generate.imports.${index}.path=$PWD/FILE`
  return `--set generate.models.${generate.models.findIndex(({ prompt }) => prompt === path)}.prompt=$PWD/FILE`
}

async function hashFile(path: string, flag: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? await hashFolder(path) : await sha256OfFile(path)
  } catch (error) {
    if (!['ENOENT', 'EISDIR', 'EACCES'].includes(systemCodeOf(error) ?? '')) throw error
    throw new CurateError('missing_import', `the recipe reads ${path}, which cannot be read: ${messageOf(error)}`, {
      hint: `Say where it is with ${flag}; paths in a recipe, and in those it extends, are relative to the folder of the one that is run.`,
      cause: error,
    })
  }
}

// Links are not followed, here nor by who reads the folder.
async function hashFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hashes: [string, string][] = []
  for (const path of paths.sort()) hashes.push([relative(folder, path), await sha256OfFile(path)])
  return hashOf(hashes)
}
