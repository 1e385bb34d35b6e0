import { appendFile, readFile, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { languages } from '../../../extractors/languages/registry.ts'
import { mineRepository } from '../../../extractors/mining.ts'
import type { MinedRepository } from '../../../extractors/mining.ts'
import type { Language, Repository } from '../../../extractors/types.ts'
import { sha256 } from '../../../pipelines/core/hash.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const KERNEL = 'import triton\n\n\n@triton.jit\ndef NAME(x):\n    pass\n'
const FILES = {
  'a.py': KERNEL.replace('NAME', 'first'),
  'b.py': KERNEL.replace('NAME', 'second'),
  'c.py': 'x = "triton"\n',
}

describe('a repository that is mined again', () => {
  test('is read only where it changed, and gives the same', async () => {
    const cacheDirectory = await temporaryFolder()
    const before = await mineCounted(FILES, cacheDirectory)
    const again = await mineCounted(FILES, cacheDirectory)
    expect([before.read, again.read]).toEqual([['a.py', 'b.py', 'c.py'], []])
    expect(again.mined).toEqual(before.mined)
    const changed = { ...FILES, 'b.py': KERNEL.replace('NAME', 'third') }
    const after = await mineCounted(changed, cacheDirectory)
    expect(after.read).toEqual(['b.py'])
    expect(after.mined).toEqual((await mineCounted(changed, await temporaryFolder())).mined)
  })

  test('is read again for other languages', async () => {
    const cacheDirectory = await temporaryFolder()
    await mineCounted(FILES, cacheDirectory)
    const { read } = await mineCounted(FILES, cacheDirectory, [languages.triton, languages.gluon])
    expect(read).toEqual(['a.py', 'b.py', 'c.py'])
  })

  test('is read again where what was kept is damaged, and nothing is lost to a line cut short', async () => {
    const cacheDirectory = await temporaryFolder()
    const before = await mineCounted(FILES, cacheDirectory)
    const file = await cacheFile(cacheDirectory)
    const lines = (await readFile(file, 'utf8')).split('\n')
    await writeFile(file, `{"path": "a.py"}\n${lines.slice(1).join('\n')}`)
    expect((await mineCounted(FILES, cacheDirectory)).read).toEqual(['a.py'])
    await truncate(file, (await readFile(file)).length - 10)
    expect((await mineCounted(FILES, cacheDirectory)).read).toEqual(['a.py'])
    const last = await mineCounted(FILES, cacheDirectory)
    expect([last.read, last.mined]).toEqual([[], before.mined])
  })

  test('does not keep what commits of long ago held for ever', async () => {
    const cacheDirectory = await temporaryFolder()
    await mineCounted(FILES, cacheDirectory)
    const file = await cacheFile(cacheDirectory)
    const [line = ''] = (await readFile(file, 'utf8')).split('\n')
    const old = Array.from({ length: 1200 }, (_, at) => `${line.replace('"a.py"', `"old/${at}.py"`)}\n`)
    await appendFile(file, old.join(''))
    expect((await mineCounted(FILES, cacheDirectory)).read).toEqual([])
    expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(4)
  })
})

async function mineCounted(
  files: Readonly<Record<string, string>>,
  cacheDirectory: string,
  plugins: readonly Language[] = [languages.triton],
): Promise<{ mined: MinedRepository; read: string[] }> {
  const read: string[] = []
  const mined = await mineRepository(repositoryOf(files, read), {
    source: 'example',
    include: ['**'],
    exclude: [],
    maxFileBytes: 1000,
    maxFiles: 1000,
    languages: plugins.map((plugin) => ({ plugin, options: {} })),
    cacheDirectory,
  })
  return { mined, read }
}

function repositoryOf(files: Readonly<Record<string, string>>, read: string[]): Repository {
  const listed = Object.entries(files).map(([path, text]) => {
    return { path, numBytes: text.length, special: null, contentId: sha256(text) }
  })
  return {
    name: 'acme/kernels',
    url: 'https://example.org/acme/kernels',
    commitSha: '0'.repeat(40),
    listFiles: async () => listed,
    async *readFiles(paths) {
      for (const path of paths) {
        read.push(path)
        yield { path, content: Buffer.from(files[path] ?? '') }
      }
    },
    history: async () => [],
    close: async () => undefined,
  }
}

async function cacheFile(directory: string): Promise<string> {
  const entries = await readdir(join(directory, 'mined-files'), { recursive: true, withFileTypes: true })
  const file = entries.find((entry) => entry.isFile())
  return join(file?.parentPath ?? '', file?.name ?? '')
}
