import { join } from 'node:path'
import { runProcess } from '../../../pipelines/core/process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

/** An entry of a tree as git stores it: nothing stops a name from being one that no file system takes. */
export interface MadeEntry {
  readonly name: string | Buffer
  readonly content: string | Buffer
  readonly kind?: 'file' | 'symlink' | 'submodule' | 'tree'
}

/** A bare repository that a test writes object by object. */
export interface MadeRepository {
  readonly directory: string
  /** Commits a tree to `main` and gives its id. */
  commit(entries: readonly MadeEntry[], message?: string): Promise<string>
  /** Writes a tree that an entry of kind `tree` may hold: `content` is its id. */
  tree(entries: readonly MadeEntry[]): Promise<string>
  git(...args: readonly string[]): Promise<string>
}

/** Makes an empty bare repository named `name`. */
export async function makeRepository(name = 'kernels.git'): Promise<MadeRepository> {
  const directory = join(await temporaryFolder(), name)
  await git(['init', '--quiet', '--bare', '--initial-branch=main', directory])
  const run = (args: readonly string[], input?: Buffer): Promise<string> => git(['-C', directory, ...args], input)
  const writeTree = (entries: readonly MadeEntry[]): Promise<string> => treeOf(run, entries)
  return {
    directory,
    tree: writeTree,
    git: (...args) => run(args),
    async commit(entries, message = 'Add kernels') {
      const tree = await writeTree(entries)
      const parent = await run(['rev-parse', '--quiet', '--verify', 'refs/heads/main']).catch(() => null)
      const parents = parent === null ? [] : ['-p', parent]
      const sha = await run(['commit-tree', tree, ...parents, '-m', message])
      await run(['update-ref', 'refs/heads/main', sha])
      return sha
    },
  }
}

const MODES = { file: '100644', symlink: '120000', submodule: '160000', tree: '40000' }

type RunGit = (args: readonly string[], input?: Buffer) => Promise<string>

// Written as the bytes of the object: `git mktree` would refuse some of these names.
async function treeOf(run: RunGit, entries: readonly MadeEntry[]): Promise<string> {
  const parts: { name: Buffer; bytes: Buffer }[] = []
  for (const { name, content, kind = 'file' } of entries) {
    const isId = kind === 'submodule' || kind === 'tree'
    const id = isId ? String(content) : await run(['hash-object', '-w', '--stdin'], Buffer.from(content))
    const raw = Buffer.from(name)
    const bytes = Buffer.concat([Buffer.from(`${MODES[kind]} `), raw, Buffer.from([0]), Buffer.from(id, 'hex')])
    parts.push({ name: kind === 'tree' ? Buffer.concat([raw, Buffer.from('/')]) : raw, bytes })
  }
  const sorted = parts.toSorted((a, b) => Buffer.compare(a.name, b.name)).map(({ bytes }) => bytes)
  return run(['hash-object', '-t', 'tree', '--literally', '-w', '--stdin'], Buffer.concat(sorted))
}

async function git(args: readonly string[], input?: Buffer): Promise<string> {
  const env = {
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_AUTHOR_DATE: '2024-01-02T03:04:05Z',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
    GIT_COMMITTER_DATE: '2024-01-02T03:04:05Z',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  }
  const result = await runProcess('git', args, { env, ...(input === undefined ? {} : { input }) })
  if (!result.ok) throw new Error(`git ${args.join(' ')}: ${result.stderr}`)
  return result.stdout.trim()
}

/** A file of one Triton kernel. */
export const KERNEL_FILE = `import triton
import triton.language as tl


@triton.jit
def copy_kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.arange(0, BLOCK)
    tl.store(out_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n), mask=offsets < n)
`
