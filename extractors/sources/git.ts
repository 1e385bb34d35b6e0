import { z } from 'zod'
import { CurateError } from '../../pipelines/core/errors.ts'
import type { Commit, Repository, RepositoryPast, Source, SourceContext } from '../types.ts'
import { publicAddress, repositoryName } from './git-address.ts'
import { openClone } from './git-clone.ts'
import { runGit } from './git-command.ts'
import { listTree, readObjects } from './git-objects.ts'
import type { ObjectStore, TreeFile } from './git-objects.ts'
import { openFileRevisions } from './git-past.ts'

const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

const Options = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .refine((url) => !url.startsWith('-') && !/[\0\n\r]/.test(url), 'not an address')
      .describe('Address of the repository as git takes it: https, ssh, git, file:// or a local path'),
    commit: z
      .string()
      .regex(SHA, 'a full commit id: 40 or 64 lower-case hexadecimal characters')
      .optional()
      .describe('Full id of the commit to read'),
    ref: z
      .string()
      .regex(/^[A-Za-z0-9_][\w./-]*$/, 'a branch or a tag')
      .optional()
      .describe('Branch or tag to read where no commit is given; the default branch without either'),
    history: z
      .enum(['shallow', 'full'])
      .default('shallow')
      .describe('`full` also fetches past commits, which reasoning from commit messages needs'),
  })
  .refine(({ commit, ref }) => commit === undefined || ref === undefined, 'give `commit` or `ref`, not both')
type Options = z.infer<typeof Options>

/**
 * A git repository. It is cloned bare into the cache and read as objects: nothing is checked out, no hook, filter or submodule of
 * it ever runs, no link in it is followed. A repository on this machine is read in place.
 */
export const git: Source<Options> = {
  id: 'git',
  version: 1,
  summary: 'A git repository at a commit, over https, ssh or from a local path',
  options: Options,
  nameOf: ({ url }) => repositoryName(url),
  resolve: resolveCommit,
  open: openRepository,
}

async function resolveCommit({ url, commit, ref }: Options, context: SourceContext): Promise<string> {
  if (commit !== undefined) return commit
  const names = ref === undefined ? ['HEAD'] : [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`]
  const place = { directory: process.cwd(), address: publicAddress(url), signal: context.signal }
  const printed = await runGit(['ls-remote', '--quiet', '--', url], place)
  const refs = new Map(printed.split('\n').map((line) => [line.split('\t')[1] ?? '', line.split('\t')[0] ?? '']))
  const found = names.map((name) => refs.get(name)).find((sha) => sha !== undefined && SHA.test(sha))
  if (found !== undefined) return found
  if (printed.trim() === '') {
    throw new CurateError('empty_repository', `${publicAddress(url)} holds no commit`, {
      hint: 'Push a commit to it, or remove the source from the recipe.',
    })
  }
  throw new CurateError('ref_not_found', `${publicAddress(url)} has no branch or tag ${ref ?? 'HEAD'}`, {
    hint: 'Check the spelling of the name, or give a full commit id.',
  })
}

async function openRepository(options: Options, commitSha: string, context: SourceContext): Promise<Repository> {
  const isFull = options.history === 'full'
  const gitDirectory = await openClone({ url: options.url, commitSha, isFull }, context)
  const store: ObjectStore = { gitDirectory, address: publicAddress(options.url), signal: context.signal }
  return repositoryAt(store, commitSha, options.url, isFull)
}

function repositoryAt(store: ObjectStore, commitSha: string, url: string, isFull: boolean): Repository {
  let tree: Promise<TreeFile[]> | undefined
  const files = (): Promise<TreeFile[]> => (tree ??= listTree(store, commitSha))
  const past: RepositoryPast = {
    revisions: openFileRevisions(store, commitSha),
    contents: (revisions) =>
      readObjects(
        store,
        revisions.map(({ commit_sha, path }) => `${commit_sha}:${path}`),
      ),
    at: (earlier) => repositoryAt(store, earlier, url, isFull),
  }
  return {
    name: repositoryName(url),
    url: publicAddress(url),
    commitSha,
    ...(isFull ? { past } : {}),
    async listFiles() {
      return (await files()).map(({ path, numBytes, special, objectId }) => {
        return { path, numBytes, special, contentId: special === null ? objectId : null }
      })
    },
    async *readFiles(paths) {
      yield* readNamed(store, await files(), paths)
    },
    async history(path, startLine, endLine, limit) {
      return isFull ? lineHistory(store, commitSha, { path, startLine, endLine, limit }) : []
    },
    async close() {},
  }
}

async function* readNamed(
  store: ObjectStore,
  files: readonly TreeFile[],
  paths: readonly string[],
): AsyncGenerator<{ path: string; content: Buffer | null }> {
  const ids = new Map(files.filter(({ special }) => special === null).map(({ path, objectId }) => [path, objectId]))
  const known = paths.flatMap((path) => ids.get(path) ?? [])
  const contents = readObjects(store, known)
  try {
    for (const path of paths) {
      const next = ids.has(path) ? await contents.next() : null
      yield { path, content: next === null || next.done === true ? null : next.value }
    }
  } finally {
    await contents.return(undefined)
  }
}

interface LineSpan {
  readonly path: string
  readonly startLine: number
  readonly endLine: number
  readonly limit: number
}

// Newest first, as `git log` gives them. External diff and text conversion programs stay off: settings could name them.
async function lineHistory(store: ObjectStore, commitSha: string, span: LineSpan): Promise<Commit[]> {
  const printed = await runGit(
    [
      'log',
      `-L${span.startLine},${span.endLine}:${span.path}`,
      '--no-patch',
      '--no-ext-diff',
      '--no-textconv',
      `--max-count=${span.limit}`,
      '--format=%x1e%H%x1f%aI%x1f%s%x1f%b',
      commitSha,
    ],
    { directory: store.gitDirectory, address: store.address, signal: store.signal },
  )
  return printed
    .split('\u001e')
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      const [commit_sha = '', authored_at = '', subject = '', body = ''] = entry.split('\u001f')
      return { commit_sha: commit_sha.trim(), authored_at, subject, body: body.trim() }
    })
}
