import type { Enabled } from '../../pipelines/core/plugin.ts'
import type { Language, Repository, RepositoryFile } from '../types.ts'
import { openFileMiner } from './file-miner.ts'
import type { FileMiner } from './file-miner.ts'
import { mineFile } from './file-mining.ts'
import type { MinedFile } from './file-mining.ts'
import type { MinedFileCache } from './mined-file-cache.ts'

/** How files are searched. */
export interface FileSearchOptions {
  readonly languages: readonly Enabled<Language>[]
  readonly miner?: FileMiner
  readonly cache: MinedFileCache | null
  readonly onProgress?: (done: number, total: number) => void
}

/** Searches files and gives what each holds, in their order; only those that the cache does not know are read. */
export async function* searchFiles(
  repository: Repository,
  files: readonly RepositoryFile[],
  options: FileSearchOptions,
): AsyncGenerator<{ readonly path: string; readonly mined: MinedFile }> {
  const { cache, onProgress } = options
  const unknown = files.filter((file) => cache?.find(file) == null)
  const miner = minerFor(unknown, options)
  const fresh = searchInOrder(repository, unknown, miner.miner)
  let done = 0
  onProgress?.(done, files.length)
  try {
    for (const file of files) {
      const known = cache?.find(file) ?? null
      const mined = known ?? (await nextOf(fresh))
      if (known === null) await cache?.add(file, mined)
      yield { path: file.path, mined }
      done += 1
      onProgress?.(done, files.length)
    }
  } finally {
    await fresh.return(undefined)
    await miner.close()
  }
}

// Below this, starting a thread (a tenth of a second) takes longer than it saves.
const WORTH_THREADS = 2_000_000

// Threads that others share are theirs to close.
function minerFor(
  files: readonly RepositoryFile[],
  { languages, miner }: FileSearchOptions,
): { readonly miner: FileMiner; readonly close: () => Promise<void> } {
  const numBytes = files.reduce((sum, file) => sum + file.numBytes, 0)
  if (numBytes < WORTH_THREADS) return { miner: inThisThread(languages), close: async () => undefined }
  if (miner !== undefined) return { miner, close: async () => undefined }
  const own = openFileMiner(languages)
  return { miner: own, close: () => own.close() }
}

function inThisThread(languages: readonly Enabled<Language>[]): FileMiner {
  return { width: 1, mine: (path, content) => mineFile(path, content, languages), close: async () => undefined }
}

async function nextOf(results: AsyncGenerator<MinedFile>): Promise<MinedFile> {
  const next = await results.next()
  if (next.done === true) throw new TypeError('fewer files came back than were asked for')
  return next.value
}

// At most `width` texts are in memory, besides the one that is read.
async function* searchInOrder(
  repository: Repository,
  files: readonly RepositoryFile[],
  miner: FileMiner,
): AsyncGenerator<MinedFile> {
  if (files.length === 0) return
  const running: Promise<MinedFile>[] = []
  try {
    for await (const { path, content } of repository.readFiles(files.map((file) => file.path))) {
      const mining = miner.mine(path, content)
      // Awaited in its turn; a failure before that must not count as nobody's.
      mining.catch(() => undefined)
      running.push(mining)
      if (running.length >= miner.width) {
        const first = running.shift()
        if (first !== undefined) yield await first
      }
    }
    for (let first = running.shift(); first !== undefined; first = running.shift()) yield await first
  } finally {
    await Promise.allSettled(running)
  }
}
