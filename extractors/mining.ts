import type { Enabled } from '../pipelines/core/plugin.ts'
import { kernelId } from '../pipelines/core/records/kernel.ts'
import type { Kernel } from '../pipelines/core/records/kernel.ts'
import { selectFiles } from './files/file-selection.ts'
import type { RefusedFile } from './files/file-selection.ts'
import { endingsThatHold } from './files/text-parts.ts'
import type { LocatedUse } from './languages/kernel-uses.ts'
import { classOf } from './licenses/license-class.ts'
import { openLicenseFinder } from './licenses/license-finder.ts'
import type { LicenseFinder } from './licenses/license-finder.ts'
import { searchFiles } from './mining/file-search.ts'
import type { FileMiner } from './mining/file-miner.ts'
import type { MinedFile } from './mining/file-mining.ts'
import { linkKernels } from './mining/kernel-links.ts'
import { openMinedFileCache } from './mining/mined-file-cache.ts'
import type { Language, Repository } from './types.ts'

/** What of a repository is mined, and how. */
export interface MiningOptions {
  /** Id of the source, for the rows. */
  readonly source: string
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly maxFileBytes: number
  readonly maxFiles: number
  /** Whether files in folders that hold other people's code are mined too; absent: refused. */
  readonly vendored?: boolean
  readonly languages: readonly Enabled<Language>[]
  /** Threads that search files, shared with others; absent: threads of its own where there is enough to search. */
  readonly miner?: FileMiner
  /** Folder in which what files hold is remembered; absent: every file is searched. */
  readonly cacheDirectory?: string
  /** Told how many files there are before the first is read, then after each. */
  readonly onProgress?: (done: number, total: number) => void
}

/** A file or kernel that was found and not kept. `by` is null for what no language plug-in decided. */
export interface MiningReject extends RefusedFile {
  readonly by: string | null
}

/** What a repository holds: kernels and rejects in order of path and line. */
export interface MinedRepository {
  readonly kernels: Kernel[]
  readonly rejects: MiningReject[]
}

/** Finds the kernels of a repository. Holds a few files' texts at a time, and all kernels. The same bytes for any number of threads. */
export async function mineRepository(repository: Repository, options: MiningOptions): Promise<MinedRepository> {
  const files = await repository.listFiles()
  const extensions = endingsThatHold(new Set(options.languages.flatMap(({ plugin }) => plugin.extensions)))
  const { selected, refused } = selectFiles(files, { ...options, extensions })
  const rejects: MiningReject[] = refused.map((file) => ({ ...file, by: null }))
  const scope: MiningScope = { options, repository, licenses: await openLicenseFinder(repository, files) }
  const cache =
    options.cacheDirectory === undefined
      ? null
      : await openMinedFileCache(options.cacheDirectory, repository.url, options.languages, files)
  const found: Kernel[] = []
  const uses: LocatedUse[] = []
  try {
    for await (const { path, mined } of searchFiles(repository, selected, { ...options, cache })) {
      rejects.push(...rejectsOf(path, mined))
      for (const kernel of mined.kernels) found.push(toKernel(path, mined, kernel, scope))
      for (const use of mined.uses) uses.push({ ...use, path })
    }
  } finally {
    await cache?.close()
  }
  const { kernels, duplicates } = linkKernels(found, uses)
  return { kernels, rejects: [...rejects, ...duplicates.map(duplicateReject)].toSorted(byPath) }
}

interface MiningScope {
  readonly options: MiningOptions
  readonly repository: Repository
  readonly licenses: LicenseFinder
}

function rejectsOf(path: string, { refused, skipped }: MinedFile): MiningReject[] {
  if (refused !== null) return [{ path, reason: refused, detail: null, by: null }]
  return skipped.map(({ symbol, line, reason, by }) => ({ path, reason, detail: `${symbol}, line ${line}`, by }))
}

function duplicateReject({ path, symbol, start_line, extractor }: Kernel): MiningReject {
  const detail = `${symbol}, line ${start_line}: the same text is defined above`
  return { path, reason: 'defined_twice', detail, by: extractor }
}

// Role and launch sites follow when all files are known.
function toKernel(
  path: string,
  { header }: MinedFile,
  found: MinedFile['kernels'][number],
  { repository, licenses, options }: MiningScope,
): Kernel {
  const license = licenses.findBelow(path, header)
  const kernel = {
    language: found.language,
    entry_point: `${path}::${found.symbol}`,
    symbol: found.symbol,
    role: 'entry' as const,
    signature: found.signature,
    content: found.content,
    content_sha256: found.content_sha256,
    launch_sites: [],
    autotune_configs: found.autotune_configs,
    source: options.source,
    extractor: found.extractor,
    repo_name: repository.name,
    repo_url: repository.url,
    commit_sha: repository.commitSha,
    path,
    start_line: found.start_line,
    end_line: found.end_line,
    ...license,
    cell: found.cell,
    license_class: classOf(license),
    repo_license: licenses.repository.license,
  }
  return { id: kernelId(kernel), ...kernel }
}

function byPath(a: RefusedFile, b: RefusedFile): number {
  const [left, right] = [`${a.path}\n${a.reason}\n${a.detail}`, `${b.path}\n${b.reason}\n${b.detail}`]
  if (left === right) return 0
  return left < right ? -1 : 1
}
