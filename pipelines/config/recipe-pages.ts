import { z } from 'zod'
import { sourceOf } from '../stages/mine.ts'
import type { Recipe, SourceEntry } from '../stages/recipe.ts'
import { bundledRecipes, loadRecipe } from './load-recipe.ts'

/** The page that lists the bundled recipes, from the recipes themselves. */
export async function recipePages(): Promise<[path: string, content: string][]> {
  const rows: string[] = []
  const asking: string[] = []
  for (const [name] of await bundledRecipes()) {
    const { recipe } = await loadRecipe(name)
    if (recipe.generate.models.length > 0) asking.push(describeModels(name, recipe))
    const [first, ...more] = recipe.sources.map(describeSource)
    if (first === undefined) continue
    const sources = more.length === 0 ? first : { ...ALL, address: `${recipe.sources.length} sources` }
    rows.push(
      `| \`${name}\` | ${sources.address} | ${sources.commit} | ${sources.read} | ${escape(recipe.description)} |`,
    )
  }
  return [['docs/catalogue/recipes.md', `${[...HEAD, ...rows, ...ASKING_HEAD, ...asking].join('\n')}\n`]]
}

const HEAD = [
  '# Bundled recipes',
  '',
  'Each is a file `pipelines/recipes/<recipe>.yaml` and runs with `npx curate --recipe <recipe>`. What most of them share stands in',
  '`pipelines/recipes/shared/kernel-library.yaml`: every language, the ways of pairing, the filters, the exports. Commits are pinned;',
  '`--update` moves nothing that is. This page is generated from the recipes.',
  '',
  '| recipe | source | commit | what is read | what it holds |',
  '| --- | --- | --- | --- | --- |',
]

const ASKING_HEAD = [
  '',
  '## Recipes that ask models',
  '',
  'Their tasks come from a file that you give, and their models from a server that you run: see `docs/generate.md`.',
  '',
  '| recipe | tasks of | prompts | samples | turns | what it holds |',
  '| --- | --- | --- | --- | --- | --- |',
]

function describeModels(name: string, { description, generate }: Recipe): string {
  const list = (values: readonly unknown[]): string => [...new Set(values)].join(', ')
  const tasks = list(generate.imports.flatMap(({ dataset }) => (dataset === null ? [] : [`\`${dataset}\``])))
  const { models } = generate
  const prompts = list(models.map(({ prompt }) => `\`${prompt}\``))
  const [samples, turns] = [list(models.map(({ samples }) => samples)), list(models.map(({ turns }) => turns))]
  return `| \`${name}\` | ${tasks} | ${prompts} | ${samples} | ${turns} | ${escape(description)} |`
}

interface DescribedSource {
  readonly address: string
  readonly commit: string
  readonly read: string
}

const ALL: DescribedSource = { address: '', commit: 'as in their recipes', read: 'as in their recipes' }

const Address = z.looseObject({ url: z.string().optional(), commit: z.string().optional() })

function describeSource(entry: SourceEntry): DescribedSource {
  const { plugin, options } = sourceOf(entry)
  const { url, commit } = Address.parse(options)
  const name = plugin.nameOf(options)
  return {
    address: url === undefined ? `${plugin.id} \`${name}\`` : `[${name}](${url})`,
    commit: commit === undefined ? 'newest' : `\`${commit.slice(0, 12)}\``,
    read: describeGlobs(entry),
  }
}

function describeGlobs({ include, exclude }: SourceEntry): string {
  const isAll = include.length === 1 && include[0] === '**'
  const read = isAll ? 'all' : code(include)
  return exclude.length === 0 ? read : `${read} but ${code(exclude)}`
}

function code(globs: readonly string[]): string {
  return globs.map((glob) => `\`${escape(glob)}\``).join(', ')
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
