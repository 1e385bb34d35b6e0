import type { Commit, FileRevision } from '../types.ts'
import { runGit } from './git-command.ts'
import { isObjectMissing } from './git-failure.ts'
import type { ObjectStore } from './git-objects.ts'

/** Commits that changed a file, newest first, with the path it had then. */
export type FileRevisions = (path: string, limit: number) => Promise<FileRevision[]>

// Far above the 20,000 of the largest repositories that hold kernels; a history may be made to exhaust its readers.
const MAX_COMMITS = 100_000

/**
 * Prepares looking up revisions of files from a commit on. The whole history is read once, when first asked: git would walk all of it
 * for every single file. Renames are followed. Merges are left out: what they bring stands in the commits they merge.
 */
export function openFileRevisions(store: ObjectStore, commitSha: string): FileRevisions {
  let log: Promise<Map<string, Change[]>> | undefined
  return async (path, limit) => follow(await (log ??= readLog(store, commitSha)), path, limit)
}

/** One file in one commit. */
interface Change {
  readonly commit: Commit
  /** Place of the commit, from the newest. */
  readonly at: number
  readonly path: string
  /** The path before, where the commit moved the file. */
  readonly from: string | null
  readonly isNew: boolean
}

function follow(changes: ReadonlyMap<string, readonly Change[]>, path: string, limit: number): FileRevision[] {
  const revisions: FileRevision[] = []
  let [name, newest]: [string | null, number] = [path, -1]
  while (name !== null) {
    const own: readonly Change[] = (changes.get(name) ?? []).filter(({ at }) => at > newest)
    name = null
    for (const change of own) {
      if (revisions.length === limit) return revisions
      revisions.push({ ...change.commit, path: change.path })
      if (change.isNew) return revisions
      newest = change.at
      name = change.from
      if (name !== null) break
    }
  }
  return revisions
}

async function readLog(store: ObjectStore, commitSha: string): Promise<Map<string, Change[]>> {
  const changes = new Map<string, Change[]>()
  const entries = (await printLog(store, commitSha)).split('\u001e').filter((entry) => entry.trim() !== '')
  for (const [at, entry] of entries.entries()) {
    const [commit_sha = '', authored_at = '', subject = '', body = '', names = ''] = entry.split('\u001f')
    const commit = { commit_sha: commit_sha.trim(), authored_at, subject, body: body.trim() }
    for (const line of names.split('\n')) {
      const [status = '', first = '', second] = line.split('\t')
      const path = second ?? first
      // A name that git must quote holds a line break or a quote: no kernel of a person stands in such a file.
      if (path === '' || path.startsWith('"') || status.startsWith('D')) continue
      const from = status.startsWith('R') ? first : null
      const change = { commit, at, path, from, isNew: status.startsWith('A') }
      const known = changes.get(path)
      if (known === undefined) changes.set(path, [change])
      else known.push(change)
    }
  }
  return changes
}

// A file that was moved and changed at once is found by comparing contents, which a partial clone may lack: it tells moves alone.
async function printLog(store: ObjectStore, commitSha: string): Promise<string> {
  try {
    return await runLog(store, commitSha, '--find-renames')
  } catch (error) {
    if (!isObjectMissing(error)) throw error
    return runLog(store, commitSha, '--find-renames=100%')
  }
}

// External diff and text conversion programs stay off: settings could name them.
function runLog(store: ObjectStore, commitSha: string, renames: string): Promise<string> {
  return runGit(
    [
      '-c',
      'core.quotePath=false',
      'log',
      '--topo-order',
      '--no-merges',
      '--no-ext-diff',
      '--no-textconv',
      '--name-status',
      renames,
      `--max-count=${MAX_COMMITS}`,
      '--format=%x1e%H%x1f%aI%x1f%s%x1f%b%x1f',
      commitSha,
    ],
    { directory: store.gitDirectory, address: store.address, signal: store.signal },
  )
}
