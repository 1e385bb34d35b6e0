import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { git } from '../../../extractors/sources/git.ts'
import type { Repository, SourceContext } from '../../../extractors/types.ts'
import { silentLog } from '../../../pipelines/core/log.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { serveDaemon, serveHttp } from './git-servers.ts'
import { KERNEL_FILE, makeRepository } from './made-repository.ts'
import type { MadeRepository } from './made-repository.ts'

afterEach(() => vi.unstubAllEnvs())

const FILES = [
  { name: 'copy.py', content: KERNEL_FILE },
  { name: 'LICENSE', content: 'A licence.\n' },
]

describe('a git repository', () => {
  test.each(['path', 'file', 'http', 'git'])('is read over %s at the commit that its branch is at', async (kind) => {
    const made = await makeRepository()
    const sha = await made.commit(FILES)
    const url = await addressOf(made, kind)
    const context = await newContext()
    expect(await git.resolve(optionsOf({ url }), context)).toBe(sha)
    expect(await git.resolve(optionsOf({ url, ref: 'main' }), context)).toBe(sha)
    const repository = await git.open(optionsOf({ url }), sha, context)
    expect(await pathsOf(repository)).toEqual(['LICENSE', 'copy.py'])
    expect(await textOf(repository, 'copy.py')).toBe(KERNEL_FILE)
    expect([repository.commitSha, repository.url]).toEqual([sha, url])
  })

  test.each(['path', 'http'])('is read over %s at a commit that no branch is at any more', async (kind) => {
    const made = await makeRepository()
    const old = await made.commit(FILES)
    await made.commit([{ name: 'other.py', content: 'x = 1\n' }])
    const repository = await git.open(optionsOf({ url: await addressOf(made, kind) }), old, await newContext())
    expect(await pathsOf(repository)).toEqual(['LICENSE', 'copy.py'])
  })

  test('has its history where the whole of it is wanted, and none where not', async () => {
    const made = await makeRepository()
    await made.commit(FILES, 'Add copy\n\nOne block is enough.')
    await made.commit([{ name: 'copy.py', content: `# Faster\n${KERNEL_FILE}` }], 'Say that it is faster')
    const sha = await made.commit(
      [{ name: 'copy.py', content: `# Faster\n${KERNEL_FILE.replace('0, BLOCK', '0, 2 * BLOCK')}` }],
      'Take two blocks',
    )
    const url = await addressOf(made, 'http')
    const full = await git.open(optionsOf({ url, history: 'full' }), sha, await newContext())
    const found = await full.history('copy.py', 6, 9, 10)
    expect(found.map(({ subject, body }) => [subject, body])).toEqual([
      ['Take two blocks', ''],
      ['Add copy', 'One block is enough.'],
    ])
    const shallow = await git.open(optionsOf({ url }), sha, await newContext())
    expect(await shallow.history('copy.py', 6, 9, 10)).toEqual([])
  })

  test('is found where `url.<base>.insteadOf` says it is', async () => {
    const made = await makeRepository()
    const sha = await made.commit(FILES)
    const url = 'https://example.invalid/acme/kernels.git'
    vi.stubEnv('GIT_CONFIG_COUNT', '1')
    vi.stubEnv('GIT_CONFIG_KEY_0', `url.${dirname(made.directory)}/.insteadOf`)
    vi.stubEnv('GIT_CONFIG_VALUE_0', 'https://example.invalid/acme/')
    const context = await newContext()
    expect(await git.resolve(optionsOf({ url }), context)).toBe(sha)
    const repository = await git.open(optionsOf({ url }), sha, context)
    expect([repository.name, repository.url]).toEqual(['acme/kernels', url])
    expect(await pathsOf(repository)).toContain('copy.py')
  })

  test('needs no network the second time', async () => {
    const made = await makeRepository()
    const sha = await made.commit(FILES)
    const server = await serveHttp(dirname(made.directory))
    const context = await newContext()
    const options = optionsOf({ url: `${server.url}/kernels.git`, commit: sha })
    await git.open(options, await git.resolve(options, context), context)
    const requests = server.requests.length
    expect(await pathsOf(await git.open(options, sha, context))).toContain('copy.py')
    expect(server.requests).toHaveLength(requests)
  })

  test('is cloned whole by several runs at once after one that died', async () => {
    const made = await makeRepository()
    const sha = await made.commit(FILES)
    const url = await addressOf(made, 'http')
    const context = await newContext()
    await git.open(optionsOf({ url }), sha, context)
    const [folder = ''] = await readdir(join(context.cacheDirectory, 'repositories'))
    const place = join(context.cacheDirectory, 'repositories', folder)
    const [clone = ''] = await readdir(place)
    await rm(join(place, clone), { recursive: true })
    await mkdir(join(place, `${clone}.999999999-dead0000.tmp`))
    const opened = await Promise.all([1, 2, 3].map(() => git.open(optionsOf({ url }), sha, context)))
    for (const repository of opened) expect(await pathsOf(repository)).toContain('copy.py')
    expect(await readdir(place)).toEqual([clone])
  })

  test('runs nothing that its settings, hooks or attributes name', async () => {
    const made = await makeRepository()
    const marker = join(await temporaryFolder(), 'ran')
    const program = `touch ${marker}; cat`
    const sha = await made.commit([...FILES, { name: '.gitattributes', content: '*.py filter=evil diff=evil\n' }])
    for (const key of [
      'filter.evil.smudge',
      'diff.evil.textconv',
      'core.fsmonitor',
      'uploadpack.packObjectsHook',
      'core.sshCommand',
    ])
      await made.git('config', key, program)
    await mkdir(join(made.directory, 'hooks'), { recursive: true })
    for (const hook of ['post-checkout', 'reference-transaction', 'post-update'])
      await writeFile(join(made.directory, 'hooks', hook), `#!/bin/sh\n${program}\n`, { mode: 0o755 })
    const repository = await git.open(optionsOf({ url: made.directory, history: 'full' }), sha, await newContext())
    expect(await textOf(repository, 'copy.py')).toBe(KERNEL_FILE)
    await repository.history('copy.py', 5, 6, 3)
    expect(await readdir(dirname(marker))).toEqual([])
  })
})

describe('a repository that cannot be read', () => {
  test.each(['path', 'file', 'http', 'git'])('does not exist: over %s', async (kind) => {
    const made = await makeRepository()
    const url = (await addressOf(made, kind)).replace('kernels.git', 'nothing.git')
    const context = await newContext()
    const failure = { code: 'repository_not_found', message: expect.stringContaining(url), retryable: false }
    await expect(git.resolve(optionsOf({ url }), context)).rejects.toMatchObject(failure)
    await expect(git.open(optionsOf({ url }), '1'.repeat(40), context)).rejects.toMatchObject(failure)
  })

  test('needs a password, which no error shows and nobody is asked for', async () => {
    const made = await makeRepository()
    const sha = await made.commit(FILES)
    const server = await serveHttp(dirname(made.directory), { password: 'hunter2' })
    const url = `${server.url}/kernels.git`
    const context = await newContext()
    await expect(git.resolve(optionsOf({ url }), context)).rejects.toMatchObject({
      code: 'repository_needs_login',
      message: expect.stringContaining(url),
      hint: expect.stringContaining('credential helper'),
      retryable: false,
    })
    const wrong = url.replace('http://', 'http://reader:wrong-secret@')
    const error: unknown = await git.open(optionsOf({ url: wrong }), sha, context).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'repository_needs_login' })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('wrong-secret')
    const right = url.replace('http://', 'http://reader:hunter2@')
    const repository = await git.open(optionsOf({ url: right }), sha, context)
    expect(repository.url).not.toContain('hunter2')
    expect(await pathsOf(repository)).toContain('copy.py')
    expect((await filesWith(context.cacheDirectory, 'hunter2')).length).toBe(0)
  })

  test('is reached by a helper that runs a program', async () => {
    const marker = join(await temporaryFolder(), 'ran')
    const url = `ext::sh -c touch% ${marker}`
    await expect(git.resolve(optionsOf({ url }), await newContext())).rejects.toMatchObject({
      code: 'protocol_refused',
    })
    expect(await readdir(dirname(marker))).toEqual([])
    expect(git.options.safeParse({ url: '--upload-pack=touch /tmp/x' }).success).toBe(false)
    expect(git.options.safeParse({ url: 'a\nb' }).success).toBe(false)
  })

  test('is behind a network that is down', async () => {
    const server = await serveHttp(await temporaryFolder())
    const port = Number(new URL(server.url).port)
    const url = `http://127.0.0.1:${port === 1 ? 2 : 1}/kernels.git`
    await expect(git.resolve(optionsOf({ url }), await newContext())).rejects.toMatchObject({
      code: 'network_down',
      retryable: true,
    })
  })

  test.each(['path', 'http'])('has lost the commit to a force push: over %s', async (kind) => {
    const made = await makeRepository()
    const gone = await made.commit(FILES)
    await made.git('update-ref', '-d', 'refs/heads/main')
    await made.commit([{ name: 'new.py', content: 'x = 1\n' }])
    await made.git('reflog', 'expire', '--expire=now', '--all')
    await made.git('gc', '--quiet', '--prune=now')
    const url = await addressOf(made, kind)
    const context = await newContext()
    await expect(git.open(optionsOf({ url }), gone, context)).rejects.toMatchObject({
      code: 'commit_gone',
      message: expect.stringContaining(gone),
      hint: expect.stringContaining('--update'),
    })
    const folders = await readdir(join(context.cacheDirectory, 'repositories'))
    for (const folder of folders)
      expect(await readdir(join(context.cacheDirectory, 'repositories', folder))).toEqual([])
  })

  test('holds no commit at all, or no such branch', async () => {
    const made = await makeRepository()
    const options = optionsOf({ url: made.directory })
    await expect(git.resolve(options, await newContext())).rejects.toMatchObject({ code: 'empty_repository' })
    await made.commit(FILES)
    await expect(git.resolve({ ...options, ref: 'nowhere' }, await newContext())).rejects.toMatchObject({
      code: 'ref_not_found',
      message: expect.stringContaining('nowhere'),
    })
  })

  test('lists one small tree so often that reading it would never end', async () => {
    const made = await makeRepository()
    let tree = await made.tree(Array.from({ length: 40 }, (_, at) => ({ name: `f${at}.py`, content: 'x = 1\n' })))
    for (let depth = 0; depth < 6; depth += 1)
      tree = await made.tree(
        Array.from({ length: 20 }, (_, at) => ({ name: `d${at}`, content: tree, kind: 'tree' as const })),
      )
    const sha = await made.git('-c', 'user.name=A', '-c', 'user.email=a@example.org', 'commit-tree', tree, '-m', 'Bomb')
    await made.git('update-ref', 'refs/heads/main', sha)
    await made.git('repack', '-adq')
    const repository = await git.open(optionsOf({ url: made.directory, commit: sha }), sha, await newContext())
    await expect(repository.listFiles()).rejects.toMatchObject({ code: 'tree_too_large' })
  })
})

describe('the tree of a hostile repository', () => {
  test('is empty', async () => {
    const made = await makeRepository()
    const sha = await made.commit([])
    const repository = await git.open(optionsOf({ url: made.directory }), sha, await newContext())
    expect(await repository.listFiles()).toEqual([])
  })

  test('is listed with its links and submodules, which are never followed', async () => {
    const made = await makeRepository()
    const sha = await made.commit([
      ...FILES,
      { name: 'passwd.py', content: '/etc/passwd', kind: 'symlink' },
      { name: 'module', content: '1'.repeat(40), kind: 'submodule' },
      { name: '.gitmodules', content: '[submodule "module"]\n\tpath = module\n\turl = ext::touch% ran\n' },
    ])
    const repository = await git.open(optionsOf({ url: await addressOf(made, 'http') }), sha, await newContext())
    const files = await repository.listFiles()
    expect(files.filter(({ special }) => special !== null).map(({ path, special }) => [path, special])).toEqual([
      ['module', 'submodule'],
      ['passwd.py', 'symlink'],
    ])
    expect(await Array.fromAsync(repository.readFiles(['passwd.py', 'module', '/etc/passwd', '../x']))).toEqual([
      { path: 'passwd.py', content: null },
      { path: 'module', content: null },
      { path: '/etc/passwd', content: null },
      { path: '../x', content: null },
    ])
  })

  test('lacks a file that its history lists', async () => {
    const made = await makeRepository()
    const sha = await made.commit(FILES)
    const id = await made.git('rev-parse', `${sha}:LICENSE`)
    await rm(join(made.directory, 'objects', id.slice(0, 2), id.slice(2)))
    const repository = await git.open(optionsOf({ url: made.directory }), sha, await newContext())
    const read = await Array.fromAsync(repository.readFiles(['LICENSE', 'copy.py']))
    expect(read.map(({ content }) => content?.length ?? null)).toEqual([null, KERNEL_FILE.length])
  })
})

async function addressOf(made: MadeRepository, kind: string): Promise<string> {
  const root = dirname(made.directory)
  const name = basename(made.directory)
  if (kind === 'path') return made.directory
  if (kind === 'file') return `file://${made.directory}`
  const server = kind === 'http' ? await serveHttp(root) : await serveDaemon(root)
  return `${server.url}/${name}`
}

function optionsOf(options: Readonly<Record<string, string>>) {
  return git.options.parse(options)
}

async function newContext(): Promise<SourceContext> {
  return { cacheDirectory: await temporaryFolder(), signal: new AbortController().signal, log: silentLog }
}

async function pathsOf(repository: Repository): Promise<string[]> {
  return (await repository.listFiles()).map(({ path }) => path)
}

async function textOf(repository: Repository, path: string): Promise<string | undefined> {
  const [file] = await Array.fromAsync(repository.readFiles([path]))
  return file?.content?.toString()
}

async function filesWith(folder: string, text: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const found = await Promise.all(
    paths.map(async (path) => ((await readFile(path, 'latin1')).includes(text) ? [path] : [])),
  )
  return found.flat()
}
