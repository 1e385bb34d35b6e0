import { readFileSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadRecipe } from '../../../pipelines/config/load-recipe.ts'
import { CurateError } from '../../../pipelines/core/errors.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'recipes')
const RIGHT = join(FIXTURES, 'right.yaml')
const WRONG = readdirSync(join(FIXTURES, 'wrong')).filter((file) => file.endsWith('.yaml'))

describe('a right recipe', () => {
  test('has every default filled in', async () => {
    const { recipe } = await loadRecipe(RIGHT)
    expect(recipe).toMatchObject({ name: 'right', seed: 0, validate: { mode: 'standard' }, publish: null })
    expect(recipe.filters).toMatchObject({ speedup: { min: 1.1, untimed: 'keep' } })
    expect(recipe.filters).not.toHaveProperty('license')
  })

  test('takes overrides with the types they have in YAML', async () => {
    const sets = ['filters.speedup.min=1.25', 'filters.license={}', 'sources.0.include=[src/**]', 'publish=null']
    const { recipe } = await loadRecipe(RIGHT, sets)
    expect(recipe.filters).toMatchObject({ speedup: { min: 1.25 }, license: {} })
    expect(recipe.sources[0]?.include).toEqual(['src/**'])
  })
})

describe('a recipe that extends others', () => {
  const load = async (name: string) => (await loadRecipe(join(FIXTURES, 'extending', `${name}.yaml`))).recipe

  test('says what they say, and overrides, adds to and takes away from it', async () => {
    const { name, mine, filters } = await load('first')
    expect([name, Object.keys(mine.languages).toSorted()]).toEqual(['first', ['gluon', 'triton']])
    expect(filters).toMatchObject({ passed: {}, speedup: { min: 1.1, untimed: 'refuse' } })
  })

  test('has the sources of all of them, each once, and may say more of one', async () => {
    const { name, sources } = await load('both')
    expect(name).toBe('both')
    expect(sources.map(({ id, exclude }) => [id, exclude])).toEqual([
      ['first', []],
      ['second', ['tests/**']],
      ['third', []],
    ])
    expect(sources[1]).toMatchObject({ git: { url: 'https://example.org/second.git' } })
  })

  test('is one recipe to overrides, and names no file when it is written out', async () => {
    const { recipe } = await loadRecipe(join(FIXTURES, 'extending', 'both.yaml'), ['sources.2.include=[src/**]'])
    expect(recipe.sources[2]?.include).toEqual(['src/**'])
    expect(recipe).not.toHaveProperty('extends')
  })
})

describe('a wrong recipe', () => {
  test('is tested by more than a handful of files', () => {
    expect(WRONG.length).toBeGreaterThan(10)
  })

  // Each `<case>.yaml` has its whole message in `<case>.txt`; `curate --recipe <case>.yaml` prints it.
  test.each(WRONG)('%s is refused with file, line, key, what is allowed and the nearest name', async (file) => {
    const path = join(FIXTURES, 'wrong', file)
    const message = (await messageOf(path)).replaceAll(`${FIXTURES}/wrong/`, '')
    expect(`${message}\n`).toBe(readFileSync(path.replace('.yaml', '.txt'), 'utf8'))
  })

  test('that is a device without an end is refused', async () => {
    expect(await errorOf('/dev/zero')).toMatchObject({
      message: expect.stringContaining('/dev/zero: not a recipe: it is a device'),
    })
  })

  test('says which --set is wrong when it is none of the file’s lines', async () => {
    const error = await errorOf(RIGHT, ['filters.speedup.min=often'])
    expect(error.message).toContain('--set filters.speedup.min=often: filters.speedup.min')
    expect(await errorOf(RIGHT, ['filters'])).toMatchObject({ code: 'usage' })
    expect(await errorOf(RIGHT, ['sources.3.id=other'])).toMatchObject({
      message: expect.stringContaining('1 item, 3 is none'),
    })
  })

  test('that does not exist names the bundled ones and the nearest', async () => {
    expect(await errorOf('quickstrat')).toMatchObject({ hint: expect.stringContaining('Did you mean `quickstart`?') })
  })

  test.each([
    ['of a million aliases', `a: &a [x,x,x,x,x,x,x,x,x]\n${aliasBomb()}`],
    ['that is not UTF-8', Buffer.from([0x6e, 0x3a, 0x20, 0xff, 0xfe])],
    ['of two megabytes', `name: x\n# ${'x'.repeat(2_000_000)}\n`],
  ])('%s is refused without being expanded', async (_case, content) => {
    const path = join(await temporaryFolder(), 'recipe.yaml')
    await writeFile(path, content)
    expect(await errorOf(path)).toMatchObject({ code: 'bad_recipe', message: expect.stringContaining(basename(path)) })
  })
})

function aliasBomb(): string {
  const letters = Array.from('abcdefghij')
  return letters
    .slice(1)
    .map(
      (letter, index) => `${letter}: &${letter} [${Array.from({ length: 9 }, () => `*${letters[index]}`).join(',')}]`,
    )
    .join('\n')
}

async function errorOf(path: string, sets: readonly string[] = []): Promise<CurateError> {
  const error: unknown = await loadRecipe(path, sets).catch((thrown: unknown) => thrown)
  if (error instanceof CurateError) return error
  throw new Error(`no CurateError, but ${String(error)}`)
}

async function messageOf(path: string): Promise<string> {
  const { message, hint } = await errorOf(path)
  return `${message}\n${hint}`
}
