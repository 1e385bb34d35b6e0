import { createHash } from 'node:crypto'

/** A file of a commit: its content lies in git, or, for a large file, in the store of large files. */
export interface TreeEntry {
  readonly oid: string
  readonly size: number
  readonly lfs: { readonly oid: string; readonly size: number } | null
}

type Tree = ReadonlyMap<string, TreeEntry>

interface Commit {
  readonly id: string
  readonly parent: string | null
  readonly title: string
  readonly tree: Tree
}

/** One change of a commit, as the Hub's commit endpoint names them. */
export type Change =
  | { readonly key: 'file'; readonly path: string; readonly content: Buffer }
  | { readonly key: 'lfsFile'; readonly path: string; readonly oid: string; readonly size: number }
  | { readonly key: 'deletedFile'; readonly path: string }

/** A dataset repository as the Hub keeps it: commits over trees over blobs, addressed by content as in git. */
export interface HubRepository {
  readonly isPrivate: boolean
  readonly blobs: Map<string, Buffer>
  readonly branches: Map<string, string>
  readonly commits: Map<string, Commit>
  /** In the order of their numbers, which begin with 1; the branch of one is `refs/pr/1`. */
  readonly pullRequests: { readonly title: string; status: 'open' | 'merged' | 'closed' }[]
}

/** A new repository, with the one commit the Hub makes at once. */
export function newRepository(isPrivate: boolean): HubRepository {
  const repository = { isPrivate, blobs: new Map(), branches: new Map(), commits: new Map(), pullRequests: [] }
  const attributes = Buffer.from(
    '*.parquet filter=lfs diff=lfs merge=lfs -text\n*.arrow filter=lfs diff=lfs merge=lfs -text\n',
  )
  addCommit(repository, 'main', 'initial commit', [{ key: 'file', path: '.gitattributes', content: attributes }])
  return repository
}

/** The commit that a branch name or a commit id means. */
export function findCommit(repository: HubRepository, revision: string): Commit | undefined {
  return repository.commits.get(repository.branches.get(revision) ?? revision)
}

/** Adds a commit to a branch and gives its id; the same changes on the same parent have the same id. */
export function addCommit(
  repository: HubRepository,
  branch: string,
  title: string,
  changes: readonly Change[],
): string {
  const parent = findCommit(repository, branch)
  const tree = new Map(parent?.tree)
  for (const change of changes) {
    if (change.key === 'deletedFile') tree.delete(change.path)
    else tree.set(change.path, entryOf(repository, change))
  }
  const listing = [...tree].map(([path, { oid }]) => `${path} ${oid}`).toSorted()
  const id = sha1(Buffer.from([parent?.id ?? '', title, ...listing].join('\n')))
  repository.commits.set(id, { id, parent: parent?.id ?? null, title, tree })
  repository.branches.set(branch, id)
  return id
}

/** Titles from the newest commit of a branch to the first. */
export function historyOf(repository: HubRepository, branch: string): string[] {
  const titles: string[] = []
  let commit = findCommit(repository, branch)
  while (commit !== undefined) {
    titles.push(commit.title)
    commit = commit.parent === null ? undefined : repository.commits.get(commit.parent)
  }
  return titles
}

/** Pull requests as the Hub lists them, the newest first. */
export function discussionsOf({ pullRequests }: HubRepository) {
  return pullRequests
    .map((each, index) => ({ ...each, num: index + 1, isPullRequest: true, author: { name: 'tester' } }))
    .toReversed()
}

function entryOf(repository: HubRepository, change: Exclude<Change, { key: 'deletedFile' }>): TreeEntry {
  const isLarge = change.key === 'lfsFile'
  const content = isLarge ? pointerOf(change) : change.content
  const oid = sha1(Buffer.concat([Buffer.from(`blob ${content.length}\0`), content]))
  repository.blobs.set(oid, content)
  const { size } = isLarge ? change : { size: content.length }
  return { oid, size, lfs: isLarge ? { oid: change.oid, size } : null }
}

// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md#the-pointer
function pointerOf({ oid, size }: { oid: string; size: number }): Buffer {
  return Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${size}\n`)
}

function sha1(content: Buffer): string {
  return createHash('sha1').update(content).digest('hex')
}
