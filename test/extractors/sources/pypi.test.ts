import { execFileSync } from 'node:child_process'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { languages } from '../../../extractors/languages/registry.ts'
import { mineRepository } from '../../../extractors/mining.ts'
import { pypi } from '../../../extractors/sources/pypi.ts'
import type { Repository } from '../../../extractors/types.ts'
import { silentLog } from '../../../pipelines/core/log.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { tarGz } from './made-archive.ts'
import { KERNEL_FILE } from './made-repository.ts'
import { startPackageServer } from './package-server.ts'

const server = await startPackageServer()
afterAll(() => server.close())

const LONG = `${'deep/'.repeat(60)}kernel.py`
const METADATA = 'Metadata-Version: 2.4\nName: kernels\nLicense-Expression: MIT OR Apache-2.0\n\nLicense: GPL\n'
const TREE = { 'PKG-INFO': METADATA, 'ops/copy.py': KERNEL_FILE, [LONG]: KERNEL_FILE }
const ARCHIVERS = [
  ['a tar archive of GNU', 'kernels-1.0.tar.gz', 'tar --format=gnu -czf OUT kernels-1.0'],
  ['a tar archive of POSIX', 'kernels-1.1.tar.gz', 'tar --format=pax -czf OUT kernels-1.1'],
  ['a zip archive', 'kernels-1.2.zip', 'python3 -m zipfile -c OUT kernels-1.2'],
] as const

describe('a source archive', () => {
  test.each(ARCHIVERS)(
    'is read from %s, without its top folder, and fetched once',
    async (_kind, filename, command) => {
      const version = /\d\.\d/.exec(filename)?.[0] ?? ''
      const sha = server.publish('kernels', version, {
        filename,
        content: await archiveWith(command, `kernels-${version}`),
      })
      const source = await sourceOf({ name: 'Kernels', version })
      expect(await source.resolve()).toBe(sha)
      const repository = await source.open(sha)
      expect(await textsOf(repository)).toEqual(TREE)
      expect(repository).toMatchObject({ name: 'kernels', url: `pypi:kernels==${version}`, commitSha: sha })
      const before = server.requests.length
      expect(await textsOf(await source.open(sha))).toEqual(TREE)
      expect(server.requests.length).toBe(before)
    },
  )

  test('is mined with the licence its metadata names where no text says more', async () => {
    const kernel = { path: 'p-1/ops/copy.py', content: KERNEL_FILE }
    const { kernels } = await mined('licensed', [{ path: 'p-1/PKG-INFO', content: METADATA }, kernel])
    expect(kernels).toMatchObject([
      { license: 'MIT OR Apache-2.0', license_evidence: 'PKG-INFO', license_class: 'permissive' },
    ])
    const unnamed = await mined('unlicensed', [{ path: 'p-1/PKG-INFO', content: 'License: UNKNOWN\n' }, kernel])
    expect(unnamed.kernels).toMatchObject([{ license: null, license_evidence: null, license_class: 'none' }])
  })
})

describe('a hostile archive', () => {
  test('puts nothing anywhere: names that lead out, links and devices are rejects', async () => {
    const { kernels, rejects, cacheDirectory } = await mined('hostile', [
      { path: 'p-1/copy.py', content: KERNEL_FILE },
      { path: 'p-1/../../../escaped.py', content: KERNEL_FILE },
      { path: '/tmp/absolute.py', content: KERNEL_FILE },
      { path: 'p-1/link.py', type: '2', link: '/etc/passwd' },
      { path: 'p-1/hard.py', type: '1', link: '/etc/passwd' },
      { path: 'p-1/device.py', type: '3' },
      { path: 'p-1/.git/hooks.py', content: KERNEL_FILE },
      { path: 'p-1/two\nlines.py', content: KERNEL_FILE },
      { path: 'p-1/folder', type: '5' },
      { path: 'p-1/twice.py', content: 'first' },
      { path: 'p-1/twice.py', content: KERNEL_FILE.replace('copy_kernel', 'last_kernel') },
    ])
    expect(kernels.map(({ entry_point }) => entry_point)).toEqual(['copy.py::copy_kernel', 'twice.py::last_kernel'])
    expect(rejects.map(({ path, reason }) => [path, reason])).toEqual([
      ['.git/hooks.py', 'unsafe_path'],
      ['/tmp/absolute.py', 'unsafe_path'],
      ['device.py', 'special_file'],
      ['hard.py', 'symlink'],
      ['link.py', 'symlink'],
      ['p-1/../../../escaped.py', 'unsafe_path'],
      ['two\nlines.py', 'unsafe_path'],
    ])
    const written = await readdir(cacheDirectory, { recursive: true, withFileTypes: true })
    const files = written.filter((entry) => entry.isFile()).map(({ name }) => name)
    expect(files.every((name) => /^(?:[0-9a-f]{64}|files\.json)$/.test(name))).toBe(true)
    expect(written.some((entry) => entry.isSymbolicLink())).toBe(false)
  })

  test.each([
    ['unpacks to more than it may', () => gzipSync(Buffer.alloc(20_000_000)), 'tgz', 'archive_too_large'],
    [
      'holds more than it may',
      () => tarGz([{ path: 'p/zero.py', content: Buffer.alloc(9_000_000) }]),
      'tgz',
      'archive_too_large',
    ],
    [
      'claims a file of a terabyte',
      () => tarGz([{ path: 'p/a.py', size: 0o77777777777 }]),
      'tgz',
      'archive_unreadable',
    ],
    [
      'is cut short',
      () => tarGz([{ path: 'p/a.py', content: 'x'.repeat(90_000) }]).subarray(0, 150),
      'tgz',
      'archive_unreadable',
    ],
    ['is no gzip file', () => Buffer.from('<html>'), 'tgz', 'archive_unreadable'],
    ['has a damaged header', () => gzipSync(Buffer.alloc(2048, 7)), 'tgz', 'archive_unreadable'],
    ['is of a kind that nobody publishes', () => Buffer.from('Rar!'), 'rar', 'archive_unreadable'],
    ['is no zip file', () => Buffer.from('PK\u0003\u0004'), 'zip', 'archive_unreadable'],
    ['lies about the size of a file in it', () => lyingZip(24, 10), 'zip', 'archive_unreadable'],
    ['claims gigabytes that are not there', () => lyingZip(20, 4_000_000_000), 'zip', 'archive_unreadable'],
    ['is encrypted', () => lyingZip(8, 1), 'zip', 'archive_unreadable'],
  ])('that %s is an error that names what to do, and leaves nothing', async (_what, content, ending, code) => {
    const filename = `${code}-${Math.random()}.${ending}`
    const sha = server.publish('broken', '1', { filename, content: content() })
    const source = await sourceOf({ name: 'broken', version: '1', max_unpacked_bytes: 5_000_000 })
    await expect(source.open(sha)).rejects.toMatchObject({ code, hint: expect.stringMatching(/\.$/) })
    expect(await readdir(join(source.cacheDirectory, 'packages'))).toEqual([])
  })

  test('that is not what the index promised is refused', async () => {
    const fields = { digests: { sha256: '1'.repeat(64) } }
    server.publish('swapped', '1', { filename: 'swapped-1.tar.gz', content: tarGz([{ path: 'a/b.py' }]), fields })
    const source = await sourceOf({ name: 'swapped', version: '1' })
    await expect(source.open('1'.repeat(64))).rejects.toMatchObject({ code: 'archive_damaged', retryable: true })
    await expect(source.open('2'.repeat(64))).rejects.toMatchObject({ code: 'commit_gone' })
  })

  test('that is larger than it may be is not downloaded to its end', async () => {
    const sha = server.publish('large', '1', { filename: 'large-1.tar.gz', content: Buffer.alloc(300_000, 1) })
    const source = await sourceOf({ name: 'large', version: '1', max_bytes: 100_000 })
    await expect(source.open(sha)).rejects.toMatchObject({ code: 'archive_too_large' })
  })
})

describe('an index', () => {
  test.each([
    ['that knows no such package', 'missing', 404, '', 'package_not_found', false],
    ['that is out of order', 'down', 503, '', 'package_index_refused', true],
    ['that wants a login', 'private', 401, '', 'package_index_refused', false],
    ['that is none', 'html', 200, '<html>', 'package_index_unreadable', false],
    ['that has only wheels', 'wheels', 200, '{"urls": []}', 'no_source_archive', false],
    [
      'that sends to a file of this machine',
      'local',
      200,
      indexNaming('file:///etc/passwd'),
      'package_index_unreadable',
      false,
    ],
  ])('%s', async (_what, name, status, body, code, retryable) => {
    server.answer(`${name}/1/json`, status, body)
    const source = await sourceOf({ name, version: '1' })
    await expect(source.resolve()).rejects.toMatchObject({ code, retryable })
  })

  test('that nobody answers for can be tried again, and shows no password', async () => {
    const source = await sourceOf({ name: 'a', version: '1', index: 'http://user:secret@127.0.0.1:9/pypi' })
    const error: unknown = await source.resolve().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'package_index_unreachable', retryable: true })
    expect(String(error)).not.toContain('secret')
  })

  test('may name the archive relative to its own answer', async () => {
    const content = tarGz([{ path: 'a-1/copy.py', content: KERNEL_FILE }])
    const fields = { url: '../../../files/relative-1.tar.gz' }
    const sha = server.publish('relative', '1', { filename: 'relative-1.tar.gz', content, fields })
    expect(await textsOf(await (await sourceOf({ name: 'relative', version: '1' })).open(sha))).toEqual({
      'copy.py': KERNEL_FILE,
    })
  })

  test.each(['1', '2'])('that keeps no page for version %s is asked for the package', async (version) => {
    const content = tarGz([{ path: `a-${version}/copy.py`, content: KERNEL_FILE }])
    const filename = `whole-${version}.tar.gz`
    const sha = server.publish('whole', 'unlisted', { filename, content })
    const file = { packagetype: 'sdist', filename, url: `/files/${filename}`, digests: { sha256: sha } }
    const releases = version === '1' ? { '1': [file] } : {}
    const answer = { info: { version: '2' }, urls: version === '2' ? [file] : [], releases }
    server.answer('whole/json', 200, JSON.stringify(answer))
    const source = await sourceOf({ name: 'whole', version })
    expect(await source.resolve()).toBe(sha)
    expect(Object.keys(await textsOf(await source.open(sha)))).toEqual(['copy.py'])
    await expect((await sourceOf({ name: 'whole', version: '3' })).resolve()).rejects.toMatchObject({
      code: 'package_not_found',
    })
  })

  test('gets the credentials of its address, and nobody else does', async () => {
    const sha = server.publish('guarded', '1', { filename: 'guarded-1.tar.gz', content: tarGz([{ path: 'a/b.py' }]) })
    const index = server.index.replace('http://', 'http://reader:pass%20word@')
    const from = server.authorizations.length
    const source = await sourceOf({ name: 'guarded', version: '1', index })
    await source.open(sha)
    const basic = `Basic ${Buffer.from('reader:pass word').toString('base64')}`
    expect(server.authorizations.slice(from)).toEqual([basic, basic])
    const elsewhere = { url: `${server.otherOrigin}/files/guarded-1.tar.gz` }
    const other = tarGz([{ path: 'a/c.py' }])
    const otherSha = server.publish('elsewhere', '1', {
      filename: 'guarded-1.tar.gz',
      content: other,
      fields: elsewhere,
    })
    await (await sourceOf({ name: 'elsewhere', version: '1', index })).open(otherSha)
    expect(server.authorizations.slice(from + 2)).toEqual([basic, null])
  })

  test('is never asked for a name that is none', () => {
    for (const name of ['../x', 'a/b', '', '-x', 'a b']) {
      expect(pypi.options.safeParse({ name, version: '1' }).success).toBe(false)
    }
  })
})

async function sourceOf(options: Readonly<Record<string, unknown>>) {
  const cacheDirectory = await temporaryFolder()
  const parsed = pypi.options.parse({ index: server.index, ...options })
  const context = { cacheDirectory, signal: new AbortController().signal, log: silentLog }
  return {
    cacheDirectory,
    resolve: () => pypi.resolve(parsed, context),
    open: (sha: string) => pypi.open(parsed, sha, context),
  }
}

async function mined(name: string, entries: Parameters<typeof tarGz>[0]) {
  const sha = server.publish(name, '1', { filename: `${name}-1.tar.gz`, content: tarGz(entries) })
  const source = await sourceOf({ name, version: '1' })
  const found = await mineRepository(await source.open(sha), {
    source: name,
    include: ['**'],
    exclude: [],
    maxFileBytes: 100_000,
    maxFiles: 100,
    languages: [{ plugin: languages.triton, options: {} }],
  })
  return { ...found, cacheDirectory: source.cacheDirectory }
}

async function archiveWith(command: string, top: string): Promise<Buffer> {
  const folder = await temporaryFolder()
  for (const [path, text] of Object.entries(TREE)) {
    await mkdir(dirname(join(folder, top, path)), { recursive: true })
    await writeFile(join(folder, top, path), text)
  }
  const [program = '', ...args] = command.replace('OUT', join(folder, 'out')).split(' ')
  execFileSync(program, args, { cwd: folder })
  return readFile(join(folder, 'out'))
}

async function textsOf(repository: Repository): Promise<Record<string, string>> {
  const texts: Record<string, string> = {}
  const paths = (await repository.listFiles()).map(({ path }) => path)
  for await (const { path, content } of repository.readFiles(paths)) texts[path] = String(content)
  return texts
}

/** A zip archive of one stored file, with a number of its directory entry overwritten. */
function lyingZip(field: number, value: number): Buffer {
  const [name, content] = [Buffer.from('p/a.py'), Buffer.from('x = 1\n')]
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0)
  local.writeUInt16LE(name.length, 26)
  const central = Buffer.alloc(46)
  central.writeUInt32LE(0x02014b50, 0)
  central.writeUInt32LE(content.length, 20)
  central.writeUInt32LE(content.length, 24)
  central.writeUInt16LE(name.length, 28)
  if (field === 8) central.writeUInt16LE(value, field)
  else central.writeUInt32LE(value, field)
  const end = Buffer.alloc(22)
  end.write('PK\u0005\u0006', 0, 'latin1')
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length + name.length, 12)
  end.writeUInt32LE(local.length + name.length + content.length, 16)
  return Buffer.concat([local, name, content, central, name, end])
}

function indexNaming(url: string): string {
  const digests = { sha256: '0'.repeat(64) }
  return JSON.stringify({ urls: [{ packagetype: 'sdist', filename: 'a-1.tar.gz', url, digests }] })
}
