import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { temporaryName, writeFileAtomic } from '../../pipelines/core/atomic-file.ts'
import { systemCodeOf } from '../../pipelines/core/errors.ts'
import { sha256 } from '../../pipelines/core/hash.ts'
import type { RepositoryFile } from '../types.ts'
import { archiveTooLarge, archiveUnreadable } from './archive-entry.ts'
import type { ArchiveEntry, ArchiveLimits } from './archive-entry.ts'
import { readTarGz } from './tar-archive.ts'
import { readZip } from './zip-archive.ts'

/** An archive whose files lie unpacked in a folder, by number: whatever an archive calls its files, they land nowhere else. */
export interface UnpackedArchive {
  readonly files: readonly RepositoryFile[]
  /** Null for what is no ordinary file and for files above the limit of one. */
  read(path: string): Promise<Buffer | null>
}

const Listing = z.array(
  z.object({
    path: z.string(),
    numBytes: z.int(),
    special: z.enum(['symlink', 'submodule', 'special_file']).nullable(),
    /** SHA-256 of the content; null where it was left out. */
    contentId: z.string().nullable(),
  }),
)
type Listing = z.infer<typeof Listing>

/** The archive unpacked in `folder`, or null where it is not yet. */
export async function openUnpacked(folder: string): Promise<UnpackedArchive | null> {
  const text = await readFile(join(folder, LISTING), 'utf8').catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const files = Listing.parse(JSON.parse(text))
  const ids = new Map(files.map(({ path, contentId }) => [path, contentId]))
  return {
    files,
    async read(path) {
      const id = ids.get(path) ?? null
      return id === null ? null : readFile(join(folder, id))
    },
  }
}

/** Unpacks `name`, which says what kind of archive it is, from `path` into `folder`; a killed run leaves nothing that looks whole. */
export async function unpackArchive(path: string, name: string, folder: string, limits: ArchiveLimits): Promise<void> {
  const temporary = temporaryName(folder)
  await mkdir(temporary, { recursive: true })
  try {
    const listing: Listing = []
    const readArchive = name.endsWith('.zip') ? readZip : /\.(?:tar\.gz|tgz)$/.test(name) ? readTarGz : null
    if (readArchive === null) throw archiveUnreadable(`${name} is neither .tar.gz nor .zip`)
    await readArchive(path, limits, async (entry) => {
      if (listing.length >= limits.maxEntries) throw archiveTooLarge(`${limits.maxEntries} files`)
      listing.push(await store(temporary, entry))
    })
    await writeFileAtomic(join(temporary, LISTING), JSON.stringify(withoutTopFolder(lastOfEach(listing))))
    await moveIntoPlace(temporary, folder)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

const LISTING = 'files.json'

async function store(folder: string, entry: ArchiveEntry): Promise<Listing[number]> {
  const { path, numBytes, special, content } = entry
  if (content === null) return { path, numBytes, special, contentId: null }
  const contentId = sha256(content)
  await writeFile(join(folder, contentId), content)
  return { path, numBytes, special, contentId }
}

// Unpacking such an archive would leave the last file of a name.
function lastOfEach(listing: Listing): Listing {
  const byPath = new Map(listing.map((file) => [file.path, file]))
  return [...byPath.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

// A source distribution holds one folder, `name-version`, by PEP 517; a path that leads out of it stays as it is.
function withoutTopFolder(listing: Listing): Listing {
  const top = `${listing.find(({ path }) => !OUTSIDE.test(path))?.path.split('/')[0] ?? ''}/`
  const isInside = listing.every(({ path }) => OUTSIDE.test(path) || path.startsWith(top))
  if (!isInside) return listing
  return listing.map((file) => ({ ...file, path: OUTSIDE.test(file.path) ? file.path : file.path.slice(top.length) }))
}

const OUTSIDE = /^\/|(?:^|[\\/])\.\.(?:[\\/]|$)/

async function moveIntoPlace(temporary: string, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true })
  try {
    await rename(temporary, folder)
  } catch (error) {
    // Another run has unpacked the same archive in the meantime.
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) throw error
  }
}
