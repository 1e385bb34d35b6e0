import { createReadStream } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { writeFileAtomic } from '../../pipelines/core/atomic-file.ts'
import { systemCodeOf } from '../../pipelines/core/errors.ts'
import { hashOf, sha256 } from '../../pipelines/core/hash.ts'
import { pluginConfig } from '../../pipelines/core/plugin.ts'
import type { Enabled } from '../../pipelines/core/plugin.ts'
import type { Language, RepositoryFile } from '../types.ts'
import { FILE_MINING_VERSION, MinedFile } from './file-mining.ts'

/** What was found in files of a repository before, by path and content: a new commit costs the files it changed. */
export interface MinedFileCache {
  /** What the file holds, if it was searched before with the same content and the same languages. */
  find(file: RepositoryFile): MinedFile | null
  add(file: RepositoryFile, mined: MinedFile): Promise<void>
  close(): Promise<void>
}

const Entry = z.object({ path: z.string(), content_id: z.string(), mined: MinedFile })

/**
 * Opens the cache of a repository under `directory`: a file of JSON lines that is only added to. A line that a killed run left half
 * written, or that anything else damaged, is one file searched again.
 */
export async function openMinedFileCache(
  directory: string,
  url: string,
  languages: readonly Enabled<Language>[],
  files: readonly RepositoryFile[],
): Promise<MinedFileCache> {
  const config = hashOf([FILE_MINING_VERSION, pluginConfig(languages)]).slice(0, 16)
  const path = join(directory, 'mined-files', config, `${sha256(url).slice(0, 16)}.jsonl`)
  const wanted = new Map(files.map((file) => [file.path, file.contentId]))
  const known = new Map<string, MinedFile>()
  let outdated = 0
  for await (const line of linesOf(path)) {
    const entry = parseEntry(line)
    if (entry !== null && wanted.get(entry.path) === entry.content_id) known.set(entry.path, entry.mined)
    else outdated += 1
  }
  let lines: FileHandle | undefined
  return {
    find: (file) => known.get(file.path) ?? null,
    async add({ path: name, contentId }, mined) {
      if (contentId === undefined || contentId === null) return
      lines ??= await openForLines(path)
      await lines.write(`${JSON.stringify({ path: name, content_id: contentId, mined })}\n`)
    },
    async close() {
      await lines?.close()
      // Other commits' files are kept until they outweigh this one's.
      if (outdated > KEPT + 2 * wanted.size) await removeOutdated(path, wanted)
    },
  }
}

const KEPT = 1000

async function* linesOf(path: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
  }
}

function parseEntry(line: string): z.infer<typeof Entry> | null {
  try {
    return Entry.parse(JSON.parse(line))
  } catch {
    return null
  }
}

// Begins a line of its own, whatever a killed run left at the end.
async function openForLines(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'a+')
  const { size } = await file.stat()
  if (size > 0) {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
    if (buffer[0] !== 0x0a) await file.write('\n')
  }
  return file
}

async function removeOutdated(path: string, wanted: ReadonlyMap<string, RepositoryFile['contentId']>): Promise<void> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => {
    const entry = parseEntry(line)
    return entry !== null && wanted.get(entry.path) === entry.content_id
  })
  await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(''))
}
