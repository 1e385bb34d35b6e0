import type { Dirent } from 'node:fs'
import { lstat, readFile, readdir } from 'node:fs/promises'
import { basename, join, relative, resolve, sep } from 'node:path'
import { z } from 'zod'
import { CurateError, messageOf } from '../../pipelines/core/errors.ts'
import { sha256 } from '../../pipelines/core/hash.ts'
import type { Repository, RepositoryFile, Source, SourceContext } from '../types.ts'

const Options = z.strictObject({
  path: z.string().min(1).describe('Folder to read, as it is now; relative to where curate is started'),
})
type Options = z.infer<typeof Options>

/**
 * A folder of this machine that is no git repository. Its commit is the hash of all its files, cut to the length of git's: what was
 * mined from it can be told from what it holds later. Symbolic links are listed, never followed.
 */
export const folder: Source<Options> = {
  id: 'folder',
  version: 2,
  summary: 'A folder of this machine, without history',
  options: Options,
  nameOf: ({ path }) => basename(resolve(path)),
  resolve: async ({ path }, context) => hashOfFolder(resolve(path), context),
  open: openFolder,
}

async function openFolder({ path }: Options, commitSha: string, context: SourceContext): Promise<Repository> {
  const root = resolve(path)
  const now = await hashOfFolder(root, context)
  if (now !== commitSha) {
    throw new CurateError('folder_changed', `${root} holds other files than when it was first read`, {
      hint: 'Run with --update to take it as it is now.',
    })
  }
  const listed = (await filesOf(root)).map(({ file }) => file)
  const known = new Set(listed.filter(({ special }) => special === null).map((file) => file.path))
  return {
    name: basename(root),
    url: root,
    commitSha,
    listFiles: async () => listed,
    async *readFiles(paths) {
      for (const each of paths)
        yield { path: each, content: known.has(each) ? await contentOf(join(root, each)) : null }
    },
    history: async () => [],
    close: async () => undefined,
  }
}

async function hashOfFolder(root: string, { signal }: SourceContext): Promise<string> {
  const hashes: string[] = []
  for (const { file, absolute } of await filesOf(root)) {
    signal.throwIfAborted()
    const content = file.special === null ? await contentOf(absolute) : null
    hashes.push(`${file.path}\0${file.special ?? ''}\0${content === null ? '' : sha256(content)}`)
  }
  return sha256(hashes.join('\n')).slice(0, 40)
}

// A file that went away or may not be read counts as one whose content is not there.
async function contentOf(path: string): Promise<Buffer | null> {
  return readFile(path).catch(() => null)
}

async function filesOf(root: string): Promise<{ file: RepositoryFile; absolute: string }[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new CurateError('folder_not_found', `${root}: there is no folder that can be read: ${messageOf(cause)}`, {
      hint: 'Check the path.',
      cause,
    })
  })
  const files: { file: RepositoryFile; absolute: string }[] = []
  for (const entry of entries) {
    if (entry.isDirectory()) continue
    const absolute = join(entry.parentPath, entry.name)
    const path = relative(root, absolute).split(sep).join('/')
    if (path.split('/').includes('.git')) continue
    const numBytes = (await lstat(absolute).catch(() => null))?.size ?? 0
    files.push({ file: { path, numBytes, special: specialOf(entry), contentId: null }, absolute })
  }
  return files.toSorted((a, b) => (a.file.path < b.file.path ? -1 : 1))
}

function specialOf(entry: Dirent): RepositoryFile['special'] {
  if (entry.isSymbolicLink()) return 'symlink'
  return entry.isFile() ? null : 'special_file'
}
