import { readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { generatedFiles } from '../../../pipelines/config/generated-files.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'

const files = await generatedFiles()
const pages = [...files].filter(([path]) => path.endsWith('.md'))

test.each([...files.keys()])('%s is what `npm run generate` writes', async (path) => {
  expect(await readFile(join(packageRoot, path), 'utf8')).toBe(files.get(path))
})

test('the folders of generated pages hold no page of a record that is gone', async () => {
  const folders = new Set(pages.map(([path]) => dirname(path)))
  const onDisk = await Promise.all([...folders].map(async (folder) => inFolder(folder)))
  expect(onDisk.flat().toSorted()).toEqual(pages.map(([path]) => path).toSorted())
})

test.each(pages)('%s says what every column means', (_path, content) => {
  const rows = content.split('\n').filter((line) => line.startsWith('| `'))
  expect(rows.length).toBeGreaterThan(2)
  expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([])
})

async function inFolder(folder: string): Promise<string[]> {
  const names = await readdir(join(packageRoot, folder))
  return names.map((name) => `${folder}/${name}`)
}
