import { expect, test } from 'vitest'
import { evaluate } from '../../../extractors/python/evaluation.ts'
import { openProject } from '../../../extractors/python/project.ts'
import { literalText } from '../../../extractors/python/values.ts'

test('a constant of another module is followed through what it is made of', async () => {
  const sizes = 'SMALL = [16, 32]\nALL = SMALL + [2 * n for n in SMALL if n > 16]\n'
  expect(await valueOf('ALL', { 'main.py': 'from sizes import ALL', 'sizes.py': sizes })).toBe('[16, 32, 64]')
})

test('constants that are defined by each other and by themselves end, as not known', async () => {
  // Each name is met twice by each of the others: looked up anew every time, this is 2 to the power of 40.
  const names = Array.from({ length: 40 }, (_, at) => `C${at}`)
  const lines = names.map((name, at) => `${name} = max(C${(at + 1) % 40}, C${(at + 1) % 40}, ${name}, ${at})`)
  expect(await valueOf('C0', { 'main.py': lines.join('\n') })).toBeNull()
})

test('a circle spoils nothing beside it', async () => {
  const files = { 'main.py': 'A = B\nB = 3\nif B > 2:\n    B = A\nC = D + 1\nD = 4\n' }
  expect(await valueOf('C', files)).toBe('5')
})

test('a comprehension that counts for ever is given up', async () => {
  const loop = '[a for a in range(300) for b in range(300) for c in range(300) if a + b + c < 0]'
  expect(await valueOf('X', { 'main.py': `X = ${loop}\n` })).toBeNull()
})

test.each([
  ['any(n != 1 for n in (1, 2))', 'True'],
  ['any(n != 1 for n in (1, 1))', 'False'],
  ['any([])', 'False'],
  ['all([])', 'True'],
  ['all([2, 0])', 'False'],
  ['all(unknown(n) for n in (1, 2))', null],
])('whether %s is known', async (text, value) => {
  expect(await valueOf('X', { 'main.py': `X = ${text}\n` })).toBe(value)
})

async function valueOf(name: string, files: Record<string, string>): Promise<string | null> {
  const project = await openProject(new Map([...Object.entries(files), ['asked.py', `from main import *\n${name}\n`]]))
  const module = project.module('asked.py')
  const node = module?.statements.at(-1)?.node.children[0]
  if (module === null || node === undefined) throw new Error('the asking module cannot be parsed')
  const value = evaluate({ project, module, locals: new Map() }, node)
  return value === null ? null : literalText(value)
}
