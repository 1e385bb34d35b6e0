import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonFiles } from '../../../extractors/imports/json-files.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const LAYOUT = 'runs/level{level}/{model}/problem_{problem}/kernel.json'

describe('json-files', () => {
  test('reads the files of a layout in order, with what their paths say', async () => {
    const folder = await folderOf({
      'runs/level2/a.model/problem_7/kernel.json': '{"kernel": "two"}',
      'runs/level1/a.model/problem_7/kernel.json': '{"kernel": "one"}',
      'runs/level1/a.model/problem_7/notes.json': '{}',
      'runs/level1/a.model/extra/problem_7/kernel.json': '{}',
      'runs/level1/axmodel/problem_7/kernelxjson': '{}',
    })
    expect(await read(folder, LAYOUT)).toEqual([
      {
        row: 1,
        value: {
          path: 'runs/level1/a.model/problem_7/kernel.json',
          parts: { level: '1', model: 'a.model', problem: '7' },
          content: { kernel: 'one' },
        },
      },
      { row: 2, value: expect.objectContaining({ content: { kernel: 'two' } }) },
    ])
  })

  test('a file that is broken, empty or too large costs itself', async () => {
    const folder = await folderOf({ 'a.json': '{', 'b.json': '', 'c.json': `"${'x'.repeat(2000)}"`, 'd.json': '1' })
    const rows = await read(folder, '**.json')
    expect(rows.map((row) => ('value' in row ? 'read' : row.reason))).toEqual([
      'bad_json',
      'bad_json',
      'file_too_large',
      'read',
    ])
  })

  test('follows no link', async () => {
    const folder = await folderOf({ 'real/a.json': '1' })
    const outside = await folderOf({ 'secret.json': '"secret"' })
    await symlink(join(outside, 'secret.json'), join(folder, 'link.json'))
    await symlink(outside, join(folder, 'linked'))
    expect((await read(folder, '**.json')).map((row) => ('value' in row ? row.value : row))).toEqual([
      { path: 'real/a.json', parts: {}, content: 1 },
    ])
  })

  test('refuses a layout that names a part twice', async () => {
    await expect(read(await folderOf({}), '{a}/{a}.json')).rejects.toMatchObject({ code: 'bad_layout' })
  })
})

function read(folder: string, layout: string) {
  return Array.fromAsync(jsonFiles.read(folder, { layout, max_file_bytes: 1000 }, []))
}

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return folder
}
