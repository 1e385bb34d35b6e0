import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openFileAtomic, writeFileAtomic } from '../../../pipelines/core/atomic-file.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

describe('a file that is written anew', () => {
  test('leaves nothing of what a killed process had begun of it, and all that others have', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'known.json')
    const gone = await aProcessThatIsGone()
    const living = [`known.json.${process.pid}-0a.tmp`, `known.json.${process.ppid}-0b.tmp`]
    const others = [`other.json.${gone}-0c.tmp`, `known.json.txt`, `known.json.${gone}-0d.tmp.txt`]
    for (const name of [`known.json.${gone}-0e.tmp`, ...living, ...others]) await writeFile(join(folder, name), '')
    await writeFileAtomic(path, 'whole')
    expect((await readdir(folder)).sort()).toEqual(['known.json', ...living, ...others].sort())
    expect(await readFile(path, 'utf8')).toBe('whole')
    const growing = await openFileAtomic(join(folder, 'other.json'))
    await growing.write('whole')
    await growing.commit()
    expect(await readdir(folder)).not.toContain(`other.json.${gone}-0c.tmp`)
  })

  test('is what another machine put there, where that took it for abandoned', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'shared.json')
    await openAndLose(path, folder, async () => {
      await writeFile(path, 'theirs')
    })
    expect(await readFile(path, 'utf8')).toBe('theirs')
    await rm(path)
    await expect(openAndLose(path, folder, async () => {})).rejects.toThrow('ENOENT')
  })
})

async function openAndLose(path: string, folder: string, meanwhile: () => Promise<void>): Promise<void> {
  const growing = await openFileAtomic(path)
  await growing.write('ours')
  for (const name of await readdir(folder)) await rm(join(folder, name))
  await meanwhile()
  await growing.commit()
}

async function aProcessThatIsGone(): Promise<number> {
  const { stdout } = await runProcess('sh', ['-c', 'echo $$'])
  return Number(stdout)
}
