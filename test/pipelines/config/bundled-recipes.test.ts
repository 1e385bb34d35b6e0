import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { bundledRecipes, loadRecipe } from '../../../pipelines/config/load-recipe.ts'

const names = [...(await bundledRecipes()).keys()]
const recipes = await Promise.all(names.map(async (name) => ({ name, ...(await loadRecipe(name)) })))
const Pinned = z.object({ git: z.object({ url: z.url(), commit: z.string().length(40) }) })

describe('the bundled recipes', () => {
  test('cover the libraries that kernels are learned from', () => {
    expect(names.length).toBeGreaterThan(40)
  })

  test.each(recipes)('$name is named after its file and says what it is for', ({ name, recipe }) => {
    expect(recipe.name).toBe(name)
    expect(recipe.description.length).toBeGreaterThan(20)
  })

  test.each(recipes.filter(({ name }) => name !== 'quickstart'))(
    '$name reads commits that are pinned',
    ({ recipe }) => {
      for (const source of recipe.sources) expect(Pinned.safeParse(source).error).toBeUndefined()
    },
  )

  test('open-kernels has the sources of all that mine a library, as they have them', () => {
    const all = recipes.find(({ name }) => name === 'open-kernels')?.recipe
    // PyTorch itself is larger than all of them together: it is for those who ask for it. Two others look for something else.
    const left = ['open-kernels', 'quickstart', 'pytorch', 'kernel-history', 'vision-modules']
    const others = recipes.filter(({ name }) => !left.includes(name))
    expect(all?.sources).toEqual(others.flatMap(({ recipe }) => recipe.sources).toSorted(byId))
    expect(all?.mine).toEqual(others[0]?.recipe.mine)
  })
})

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1
}
