import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { PublishedFile } from '../pipelines/core/records/publication.ts'
import { datasetConfigs } from './configs/registry.ts'
import { exportFormats } from './formats/registry.ts'
import type { RemoteFile } from './huggingface.ts'
import { SPLITS } from './splits.ts'

/** A file of the dataset on this machine. */
export interface LocalFile {
  readonly path: string
  readonly localPath: string
  readonly numBytes: number
  readonly sha256: string
}

/**
 * What to do with every file, in the order it is to be done: data first, then deletions, then what describes the data,
 * the card last, so that a card never names files that are not there yet.
 */
export async function planPublication(
  local: readonly LocalFile[],
  remote: readonly RemoteFile[],
): Promise<PublishedFile[]> {
  const there = new Map(remote.map((file) => [file.path, file]))
  const wanted = new Set(local.map(({ path }) => path))
  const kept = await Promise.all(
    local.map(async (file): Promise<PublishedFile> => {
      const found = there.get(file.path)
      const action = found === undefined ? 'add' : (await isSame(file, found)) ? 'keep' : 'update'
      return { path: file.path, action, num_bytes: file.numBytes, sha256: file.sha256 }
    }),
  )
  const gone = remote.filter(({ path }) => isOurs(path) && !wanted.has(path))
  const deleted = gone.map(({ path, numBytes }): PublishedFile => ({
    path,
    action: 'delete',
    num_bytes: numBytes,
    sha256: null,
  }))
  return [...kept, ...deleted].toSorted((a, b) => turnOf(a) - turnOf(b) || (a.path < b.path ? -1 : 1))
}

// Whether a file of the repository is one that export writes; every other file is somebody else’s and stays.
function isOurs(path: string): boolean {
  const [folder = '', name = '', ...deeper] = path.split('/')
  if (name === '') return BESIDE_THE_DATA.includes(folder)
  if (folder === 'plots') return deeper.length === 0 && name.endsWith('.svg')
  return deeper.length === 0 && Object.keys(datasetConfigs).includes(folder) && DATA_FILE.test(name)
}

const BESIDE_THE_DATA = ['LICENSE.md', 'README.md', 'recipe.yaml', 'sources.lock.json']

const EXTENSIONS = Object.values(exportFormats).map(({ extension }) => extension.replace('.', ''))
const DATA_FILE = new RegExp(`^(${SPLITS.join('|')})-\\d{5}-of-\\d{5}\\.(${EXTENSIONS.join('|')})$`)

function turnOf({ path, action }: PublishedFile): number {
  if (action === 'delete') return 1
  if (path === 'README.md') return 3
  return path.includes('/') ? 0 : 2
}

async function isSame(local: LocalFile, remote: RemoteFile): Promise<boolean> {
  if (remote.sha256 !== null) return remote.sha256 === local.sha256
  return remote.numBytes === local.numBytes && remote.gitBlob === (await gitBlobId(local))
}

// https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
async function gitBlobId({ localPath, numBytes }: LocalFile): Promise<string> {
  const hash = createHash('sha1').update(`blob ${numBytes}\0`)
  await pipeline(createReadStream(localPath), hash)
  return hash.digest('hex')
}
