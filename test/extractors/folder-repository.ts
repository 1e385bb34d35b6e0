import { readFile, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Repository } from '../../extractors/types.ts'

/** A folder read like a repository without history, and files on top of it that exist nowhere. */
export async function folderRepository(
  folder: string | null,
  more: Readonly<Record<string, string | Buffer>> = {},
): Promise<Repository> {
  const contents = new Map<string, Buffer>()
  const entries = folder === null ? [] : await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile())
      contents.set(
        relative(folder ?? '', path)
          .split(sep)
          .join('/'),
        await readFile(path),
      )
  }
  for (const [path, content] of Object.entries(more)) contents.set(path, Buffer.from(content))
  return {
    name: 'fixture',
    url: 'https://example.org/fixture.git',
    commitSha: '0123456789abcdef0123456789abcdef01234567',
    listFiles: async () => [...contents].map(([path, content]) => ({ path, numBytes: content.length, special: null })),
    async *readFiles(paths) {
      for (const path of paths) yield { path, content: contents.get(path) ?? null }
    },
    history: async () => [],
    close: async () => undefined,
  }
}
