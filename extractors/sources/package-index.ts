import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { CurateError } from '../../pipelines/core/errors.ts'
import { withoutSecrets } from '../../pipelines/core/secrets.ts'
import { bytesOf, fetchJson } from './package-http.ts'

/** The source archive of one version of a package, as an index describes it. */
export interface SourceArchive {
  readonly filename: string
  readonly url: string
  readonly sha256: string
  /** What the host wants to be told of who asks; null where the address of the index holds no credentials, or names another host. */
  readonly authorization: string | null
}

const PublishedFile = z.object({
  packagetype: z.string(),
  filename: z.string(),
  // Mirrors may give it relative to their own address.
  url: z.string(),
  digests: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
})
type PublishedFile = z.infer<typeof PublishedFile>

// https://docs.pypi.org/api/json/#get-a-release
const Release = z.object({ urls: z.array(PublishedFile) })

// https://docs.pypi.org/api/json/#get-a-project: what mirrors that keep no page for each release still have.
const Project = z.object({
  info: z.object({ version: z.string() }),
  urls: z.array(PublishedFile),
  releases: z.record(z.string(), z.array(PublishedFile)).optional(),
})

/** Asks an index (`<index>/<name>/<version>/json`, or `<index>/<name>/json`) for the source archive of a release. */
export async function findSourceArchive(
  index: string,
  release: { readonly name: string; readonly version: string },
  signal: AbortSignal,
): Promise<SourceArchive> {
  const { origin, base, authorization } = readIndex(index)
  const { address, files } = await releaseFiles(base, authorization, release, signal)
  const archives = files.filter(({ packagetype }) => packagetype === 'sdist')
  const [archive] = archives.toSorted((a, b) => rank(a.filename) - rank(b.filename))
  if (archive !== undefined) {
    const url = fetchable(archive.url, address)
    const isSameHost = new URL(url).origin === origin
    const { filename, digests } = archive
    return { filename, url, sha256: digests.sha256, authorization: isSameHost ? authorization : null }
  }
  throw new CurateError(
    'no_source_archive',
    `${release.name} ${release.version} was published without a source archive`,
    {
      hint: 'Mine its git repository instead, or a version that has one.',
    },
  )
}

interface ReleaseFiles {
  readonly address: string
  readonly files: readonly PublishedFile[]
}

async function releaseFiles(
  base: string,
  authorization: string | null,
  { name, version }: { readonly name: string; readonly version: string },
  signal: AbortSignal,
): Promise<ReleaseFiles> {
  const ask = (address: string): Promise<unknown> => fetchJson(address, authorization, signal)
  const address = `${base}/${encodeURIComponent(name)}/${encodeURIComponent(version)}/json`
  try {
    const release = Release.safeParse(await ask(address))
    if (release.success) return { address, files: release.data.urls }
    throw noIndex(address)
  } catch (error) {
    if (!(error instanceof CurateError) || error.code !== 'package_not_found') throw error
    const whole = `${base}/${encodeURIComponent(name)}/json`
    const project = Project.safeParse(await ask(whole).catch(() => null))
    if (!project.success) throw error
    const { info, urls, releases } = project.data
    const files = info.version === version ? urls : releases?.[version]
    if (files === undefined) throw error
    return { address: whole, files }
  }
}

function noIndex(address: string): CurateError {
  return new CurateError('package_index_unreadable', `${address} is no answer of a package index`, {
    hint: 'Check `index` of the source: it is the address of a JSON API, as https://pypi.org/pypi is.',
  })
}

/** Downloads a file and checks its content against its hash; `target` is left only where it is right. */
export async function downloadChecked(
  { url, sha256, authorization }: SourceArchive,
  target: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256')
  const file = await open(target, 'w')
  try {
    for await (const piece of bytesOf(url, authorization, maxBytes, signal)) {
      hash.update(piece)
      await file.write(piece)
    }
  } finally {
    await file.close()
  }
  if (hash.digest('hex') === sha256) return
  throw new CurateError('archive_damaged', `${withoutSecrets(url)} is not the file that the index promised`, {
    hint: 'Run again; if it happens again, something between here and the index changes files.',
    retryable: true,
  })
}

// `fetch` takes no credentials in an address: they go where they belong.
function readIndex(index: string): { origin: string; base: string; authorization: string | null } {
  const url = new URL(index)
  const credentials = [url.username, url.password].map(decodeURIComponent).join(':')
  url.username = ''
  url.password = ''
  return {
    origin: url.origin,
    base: url.href.replace(/\/+$/, ''),
    authorization: credentials === ':' ? null : `Basic ${Buffer.from(credentials).toString('base64')}`,
  }
}

function rank(filename: string): number {
  return filename.endsWith('.tar.gz') ? 0 : 1
}

// An index over https must not send anyone elsewhere in the clear, nor any index to a file of this machine.
function fetchable(url: string, index: string): string {
  const resolved = URL.canParse(url, index) ? new URL(url, index) : null
  const isSafe = resolved?.protocol === 'https:' || (resolved?.protocol === 'http:' && index.startsWith('http:'))
  if (resolved !== null && isSafe) return resolved.href
  throw new CurateError('package_index_unreadable', `the index names ${withoutSecrets(url)}, which is not fetched`, {
    hint: 'Only https addresses are, and http ones of an index that is itself http.',
  })
}
