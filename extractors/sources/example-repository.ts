import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { temporaryName } from '../../pipelines/core/atomic-file.ts'
import { CurateError, messageOf, systemCodeOf } from '../../pipelines/core/errors.ts'
import { hashOf, sha256 } from '../../pipelines/core/hash.ts'
import { packageRoot } from '../../pipelines/core/package-root.ts'
import { runProcess } from '../../pipelines/core/process.ts'

/** Where the bundled examples lie. */
export const examplesDirectory: string = join(packageRoot, 'examples')

/** The bundled examples that have a history, by name. */
export async function exampleNames(directory: string = examplesDirectory): Promise<string[]> {
  const names = await readdir(directory).catch(() => [])
  return names.filter((name) => existsSync(join(directory, name, HISTORY_FILE))).sort()
}

/**
 * Turns an example (a folder with `history.yaml`, `tree/` and `earlier/`) into a bare git repository under `cacheDirectory`
 * and gives its path. Equal examples give equal commit ids on every machine, whatever git is configured to do there. The
 * repository is made under another name first, so one that a killed process began is never taken for a whole one.
 */
export async function materializeExample(
  folder: string,
  cacheDirectory: string,
  signal?: AbortSignal,
): Promise<string> {
  const commits = await readHistory(folder)
  const path = join(cacheDirectory, 'examples', `${hashOf(describe(commits)).slice(0, 16)}.git`)
  if (existsSync(path)) return path
  const temporary = temporaryName(path)
  await mkdir(temporary, { recursive: true })
  try {
    await git(['init', '--quiet', '--bare', '--template=', temporary], temporary, signal)
    await git(['symbolic-ref', 'HEAD', BRANCH], temporary, signal)
    await git(['fast-import', '--quiet', '--done'], temporary, signal, fastImportStream(commits))
    await publish(temporary, path)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  return path
}

const HISTORY_FILE = 'history.yaml'
const BRANCH = 'refs/heads/main'

const History = z.strictObject({
  author: z.strictObject({ name: z.string(), email: z.string() }),
  commits: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9-]+$/),
        date: z.iso.datetime(),
        message: z.string().min(1),
        files: z.array(z.string()),
        links: z.record(z.string(), z.string()).default({}),
      }),
    )
    .min(1),
})

interface ExampleCommit {
  readonly person: string
  readonly message: string
  readonly entries: readonly { readonly path: string; readonly mode: '100644' | '120000'; readonly content: Buffer }[]
}

async function readHistory(folder: string): Promise<ExampleCommit[]> {
  const { author, commits } = await parseHistory(folder)
  return Promise.all(
    commits.map(async ({ name, date, message, files, links }) => {
      const seconds = Date.parse(date) / 1000
      const contents = files.map(async (path) => {
        return { path, mode: '100644' as const, content: await readVersion(folder, name, path) }
      })
      const targets = Object.entries(links).map(([path, target]) => {
        return { path, mode: '120000' as const, content: Buffer.from(target) }
      })
      const entries = [...(await Promise.all(contents)), ...targets]
      return { person: `${author.name} <${author.email}> ${seconds} +0000`, message, entries }
    }),
  )
}

async function parseHistory(folder: string): Promise<z.infer<typeof History>> {
  const path = join(folder, HISTORY_FILE)
  try {
    return History.parse(parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw brokenExample(path, error)
  }
}

// A state that a later commit replaced lies under the name of its commit; everything else is as it ended.
async function readVersion(folder: string, commit: string, path: string): Promise<Buffer> {
  const earlier = join(folder, 'earlier', commit, path)
  const latest = join(folder, 'tree', path)
  try {
    return await readFile(earlier).catch((error: unknown) => {
      if (systemCodeOf(error) === 'ENOENT') return readFile(latest)
      throw error
    })
  } catch (error) {
    throw brokenExample(latest, error)
  }
}

function brokenExample(path: string, cause: unknown): CurateError {
  return new CurateError('broken_example', `the bundled example cannot be read: ${path}: ${messageOf(cause)}`, {
    hint: 'The installation is incomplete or was changed: install curate again.',
    cause,
  })
}

function describe(commits: readonly ExampleCommit[]): unknown {
  return commits.map(({ person, message, entries }) => {
    return { person, message, entries: entries.map(({ path, mode, content }) => [path, mode, sha256(content)]) }
  })
}

// The stream format: https://git-scm.com/docs/git-fast-import
function fastImportStream(commits: readonly ExampleCommit[]): Buffer {
  const pieces: (string | Buffer)[] = ['feature done\n']
  for (const { person, message, entries } of commits) {
    pieces.push(`commit ${BRANCH}\nauthor ${person}\ncommitter ${person}\n`, ...data(Buffer.from(message)))
    for (const { path, mode, content } of entries) pieces.push(`M ${mode} inline ${path}\n`, ...data(content))
  }
  return Buffer.concat([...pieces, 'done\n'].map((piece) => Buffer.from(piece)))
}

function data(content: Buffer): (string | Buffer)[] {
  return [`data ${content.length}\n`, content, '\n']
}

// Another process may have finished the same repository in the meantime: then there are two equal ones, and this one goes.
async function publish(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path)
  } catch (error) {
    if (!existsSync(path)) throw error
  }
}

async function git(args: readonly string[], cwd: string, signal?: AbortSignal, input?: Buffer): Promise<void> {
  const result = await runProcess('git', args, {
    cwd,
    cleanEnvironment: true,
    env: {
      PATH: process.env['PATH'] ?? '',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_DEFAULT_HASH: 'sha1',
    },
    ...(input === undefined ? {} : { input }),
    ...(signal === undefined ? {} : { signal }),
  })
  signal?.throwIfAborted()
  if (result.notFound) {
    throw new CurateError('git_missing', 'git is not installed', {
      hint: 'Install git, for instance `apt install git`.',
    })
  }
  if (result.ok) return
  throw new CurateError('example_not_made', `git ${args[0]} failed on the bundled example: ${result.stderr}`, {
    hint: 'Check that the work directory can be written to and has space left.',
    retryable: true,
  })
}
