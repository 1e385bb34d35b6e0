import { CurateError } from '../../pipelines/core/errors.ts'
import { startProcess } from '../../pipelines/core/process.ts'
import type { RunningProcess } from '../../pipelines/core/process.ts'
import type { RepositoryFile } from '../types.ts'
import { SAFE_CONFIG, gitEnvironment } from './git-command.ts'
import { gitFailure, isObjectMissing } from './git-failure.ts'

/** A file of a tree with the id of its content. */
export interface TreeFile extends Omit<RepositoryFile, 'contentId'> {
  readonly objectId: string
}

/** Where objects are read from. */
export interface ObjectStore {
  readonly gitDirectory: string
  readonly address: string
  readonly signal: AbortSignal
}

// Far above any real repository (the largest public ones have 0.5 million files). A tree may name its subtrees many times
// over, so that a few kilobytes of objects list billions of files ("git bomb").
const MAX_TREE_FILES = 1_000_000

/**
 * All files of a commit, in git's order, submodules and symbolic links included. Where the repository lacks the list of a folder,
 * the folder stands for its files.
 */
export async function listTree(store: ObjectStore, commitSha: string): Promise<TreeFile[]> {
  return filesBelow(store, commitSha, { looksLeft: MAX_LOOKS })
}

// A damaged clone lacks few lists; one with more was made to cost a process for each.
const MAX_LOOKS = 2000

// Git ends at the first folder that is not there, so that folders beside it are asked for one by one.
async function filesBelow(store: ObjectStore, tree: string, budget: { looksLeft: number }): Promise<TreeFile[]> {
  try {
    return (await listEntries(store, ['-r'], tree)).map(toTreeFile)
  } catch (error) {
    if (!isObjectMissing(error)) throw error
  }
  const files: TreeFile[] = []
  for (const entry of (await listEntries(store, [], tree)).map(toTreeFile)) {
    const found = entry.special === 'tree_absent' ? await filesOf(store, entry, budget) : [entry]
    for (const file of found) files.push(file)
    if (files.length > MAX_TREE_FILES) throw tooManyFiles(store)
  }
  return files
}

async function filesOf(store: ObjectStore, folder: TreeFile, budget: { looksLeft: number }): Promise<TreeFile[]> {
  budget.looksLeft -= 1
  if (budget.looksLeft < 0) return [folder]
  try {
    const found = await filesBelow(store, folder.objectId, budget)
    return found.map((file) => ({ ...file, path: `${folder.path}/${file.path}` }))
  } catch (error) {
    if (!isObjectMissing(error)) throw error
    return [folder]
  }
}

async function listEntries(store: ObjectStore, options: readonly string[], tree: string): Promise<Buffer[]> {
  const git = startGit(store, ['ls-tree', ...options, '-z', '-l', '--full-tree', tree])
  git.endInput()
  const entries: Buffer[] = []
  for await (const entry of splitAt(git.output, 0)) {
    entries.push(entry)
    if (entries.length <= MAX_TREE_FILES) continue
    git.stop()
    throw tooManyFiles(store)
  }
  await finish(git, store)
  return entries
}

function tooManyFiles({ address }: ObjectStore): CurateError {
  return new CurateError('tree_too_large', `${address} lists more than ${MAX_TREE_FILES} files`, {
    hint: 'Such a tree is made to exhaust its readers. Remove the source from the recipe.',
  })
}

/** The contents of objects, in the order asked for, one in memory at a time; null for those the repository lacks. */
export async function* readObjects(store: ObjectStore, objectIds: readonly string[]): AsyncGenerator<Buffer | null> {
  const git = startGit(store, ['cat-file', '--batch'])
  const sending = sendAll(git, objectIds)
  const reader = bytesFrom(git.output)
  try {
    for (let index = 0; index < objectIds.length; index += 1) {
      const header = await reader.line()
      if (header === null) throw gitFailure((await git.result).stderr, store.address)
      const size = /^[0-9a-f]+ blob (\d+)$/.exec(header)?.[1]
      yield size === undefined ? null : await reader.take(Number(size))
    }
  } finally {
    git.stop()
    await sending
  }
}

function startGit(store: ObjectStore, args: readonly string[]): RunningProcess {
  const config = SAFE_CONFIG.flatMap((setting) => ['-c', setting])
  return startProcess('git', ['--git-dir', store.gitDirectory, ...config, ...args], {
    env: gitEnvironment(),
    cleanEnvironment: true,
    signal: store.signal,
  })
}

async function sendAll(git: RunningProcess, lines: readonly string[]): Promise<void> {
  for (const line of lines) await git.write(`${line}\n`)
  git.endInput()
}

async function finish(git: RunningProcess, store: ObjectStore): Promise<void> {
  const result = await git.result
  store.signal.throwIfAborted()
  if (!result.ok) throw gitFailure(result.notFound ? 'spawn git ENOENT' : result.stderr, store.address)
}

// `<mode> <type> <object> <size>\t<path>`; the size is `-` for a submodule and `BAD` for an object that is not there.
function toTreeFile(entry: Buffer): TreeFile {
  const tab = entry.indexOf(0x09)
  const [mode = '', type = '', objectId = '', size = ''] = entry.subarray(0, tab).toString('latin1').split(/ +/)
  return {
    path: entry.subarray(tab + 1).toString('utf8'),
    numBytes: /^\d+$/.test(size) ? Number(size) : 0,
    special: specialOf(mode, type),
    objectId,
  }
}

function specialOf(mode: string, type: string): RepositoryFile['special'] {
  if (mode === '120000') return 'symlink'
  // Only listed by itself where what it holds cannot be.
  if (type === 'tree') return 'tree_absent'
  return type === 'commit' ? 'submodule' : null
}

async function* splitAt(output: AsyncIterable<Buffer>, separator: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of output) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let from = 0
    for (let at = rest.indexOf(separator); at !== -1; at = rest.indexOf(separator, from)) {
      yield rest.subarray(from, at)
      from = at + 1
    }
    rest = rest.subarray(from)
  }
}

interface ByteReader {
  /** The next line without its end, or null where the output is over. */
  line(): Promise<string | null>
  /** The next `size` bytes; the line end that follows them is dropped. */
  take(size: number): Promise<Buffer>
}

function bytesFrom(output: AsyncIterable<Buffer>): ByteReader {
  const chunks = output[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  async function more(): Promise<boolean> {
    const next = await chunks.next()
    if (next.done === true) return false
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value])
    return true
  }
  async function takeLong(size: number): Promise<Buffer> {
    const parts = [rest]
    for (let have = rest.length; have < size + 1;) {
      const next = await chunks.next()
      if (next.done === true) throw new CurateError('git_failed', 'git stopped in the middle of a file', TRY_AGAIN)
      parts.push(next.value)
      have += next.value.length
    }
    const all = Buffer.concat(parts)
    rest = all.subarray(size + 1)
    return all.subarray(0, size)
  }
  return {
    async line() {
      let end = rest.indexOf(0x0a)
      while (end === -1) {
        if (!(await more())) return null
        end = rest.indexOf(0x0a)
      }
      const line = rest.subarray(0, end).toString('latin1')
      rest = rest.subarray(end + 1)
      return line
    },
    take: (size) => takeLong(size),
  }
}

const TRY_AGAIN = {
  hint: 'Run the same command again; if it happens again, delete the clone in the cache.',
  retryable: true,
}
