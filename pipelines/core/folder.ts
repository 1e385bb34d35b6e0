import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CurateError, systemCodeOf } from './errors.ts'

/**
 * Makes a folder and those above it. Unlike Node's own, it ends where a file system refuses a name in a folder that is there with
 * ENOENT, as /proc and automounters do: Node then makes the folder above, which is there, and tries again without end.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const code = systemCodeOf(error)
    if (code === 'EEXIST') return requireFolder(path, error)
    if (code !== 'ENOENT') throw error
    const above = dirname(path)
    if (await isThere(above)) throw noFolderIn(above, path, error)
    await makeFolder(above)
    await makeFolder(path)
  }
}

async function requireFolder(path: string, error: unknown): Promise<void> {
  if ((await stat(path)).isDirectory()) return
  throw new CurateError('not_a_folder', `${path} is a file`, { hint: 'Name another folder.', cause: error })
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}

function noFolderIn(above: string, path: string, cause: unknown): CurateError {
  return new CurateError('no_folder_here', `${path} cannot be made: ${above} takes no new folder`, {
    hint: 'It is no place for files, or one that a machine mounts by itself: name another folder.',
    cause,
  })
}
