import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { temporaryName } from '../../pipelines/core/atomic-file.ts'
import { CurateError } from '../../pipelines/core/errors.ts'
import { declaredLicense } from '../licenses/declared-license.ts'
import type { Repository, Source, SourceContext } from '../types.ts'
import { openUnpacked, unpackArchive } from './archive-repository.ts'
import type { UnpackedArchive } from './archive-repository.ts'
import { downloadChecked, findSourceArchive } from './package-index.ts'

const Options = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/, 'a package name: letters, digits, dots, dashes, underscores')
    .describe('Package, as `pip install` takes it'),
  version: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.!+_-]*$/, 'one version, such as 2.1.0')
    .describe('Version whose source archive is read'),
  index: z
    .url({ protocol: /^https?$/ })
    .default('https://pypi.org/pypi')
    .describe('JSON API of the package index: `<index>/<name>/<version>/json` describes a release'),
  max_bytes: z
    .int()
    .positive()
    .default(1_000_000_000)
    .describe('Size of the archive in bytes; a larger one is refused'),
  max_unpacked_bytes: z
    .int()
    .positive()
    .default(8_000_000_000)
    .describe('Size of all its files in bytes; an archive that unpacks to more is refused'),
})
type Options = z.infer<typeof Options>

/**
 * The source archive (sdist) of a Python package. Its commit is the archive's SHA-256, which the index says and every download is
 * checked against. It is unpacked file by file under names of our own; links and devices in it are listed, never made.
 */
export const pypi: Source<Options> = {
  id: 'pypi',
  version: 1,
  summary: 'The source archive of a Python package at a version, from a package index',
  options: Options,
  nameOf: ({ name }) => normalName(name),
  resolve: async ({ index, name, version }, { signal }) =>
    (await findSourceArchive(index, { name: normalName(name), version }, signal)).sha256,
  open: openPackage,
}

const MAX_FILES = 200_000
// What no limit of a recipe would let anybody read as text.
const MAX_FILE_BYTES = 64_000_000

async function openPackage(options: Options, commitSha: string, context: SourceContext): Promise<Repository> {
  const name = normalName(options.name)
  const folder = join(context.cacheDirectory, 'packages', commitSha)
  const archive = (await openUnpacked(folder)) ?? (await fetchPackage(options, commitSha, folder, context))
  const metadata = await archive.read('PKG-INFO')
  return {
    name,
    url: `pypi:${name}==${options.version}`,
    commitSha,
    declaredLicense: metadata === null ? null : declaredLicense(metadata.toString('utf8')),
    listFiles: async () => [...archive.files],
    async *readFiles(paths) {
      for (const path of paths) {
        context.signal.throwIfAborted()
        yield { path, content: await archive.read(path) }
      }
    },
    history: async () => [],
    close: async () => undefined,
  }
}

async function fetchPackage(
  { index, name, version, max_bytes, max_unpacked_bytes }: Options,
  sha256: string,
  folder: string,
  { signal }: SourceContext,
): Promise<UnpackedArchive> {
  const found = await findSourceArchive(index, { name: normalName(name), version }, signal)
  if (found.sha256 !== sha256) throw otherArchive(name, version)
  const download = temporaryName(`${folder}.archive`)
  await mkdir(join(folder, '..'), { recursive: true })
  try {
    await downloadChecked(found, download, max_bytes, signal)
    const limits = { maxEntries: MAX_FILES, maxTotalBytes: max_unpacked_bytes, maxFileBytes: MAX_FILE_BYTES }
    await unpackArchive(download, found.filename, folder, limits)
  } finally {
    await rm(download, { force: true })
  }
  const unpacked = await openUnpacked(folder)
  if (unpacked === null) throw new TypeError(`${folder} went away`)
  return unpacked
}

// PEP 503: `Flash_Attn` and `flash-attn` are one package.
function normalName(name: string): string {
  return name.replaceAll(/[-_.]+/g, '-').toLowerCase()
}

function otherArchive(name: string, version: string): CurateError {
  return new CurateError('commit_gone', `the index has another source archive of ${name} ${version} than before`, {
    hint: 'Run with --update to take the one that is there now.',
  })
}
