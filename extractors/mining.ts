import { sha256 } from '../pipelines/core/hash.ts'
import { pluginName } from '../pipelines/core/plugin.ts'
import type { Enabled } from '../pipelines/core/plugin.ts'
import { kernelId } from '../pipelines/core/records/kernel.ts'
import type { Kernel } from '../pipelines/core/records/kernel.ts'
import { normalizeSource } from '../pipelines/core/source-text.ts'
import { selectFiles } from './files/file-selection.ts'
import type { RefusedFile } from './files/file-selection.ts'
import { decodeText } from './files/file-text.ts'
import { roleOf, usesOf } from './languages/kernel-uses.ts'
import type { LocatedUse } from './languages/kernel-uses.ts'
import { openLicenseFinder } from './licenses/license-finder.ts'
import type { LicenseFinder } from './licenses/license-finder.ts'
import type { KernelSpan, Language, Repository } from './types.ts'

/** What of a repository is mined, and how. */
export interface MiningOptions {
  /** Id of the source, for the rows. */
  readonly source: string
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly maxFileBytes: number
  readonly maxFiles: number
  readonly languages: readonly Enabled<Language>[]
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

/** Finds the kernels of a repository. Holds one file's text at a time, and all kernels. */
export async function mineRepository(repository: Repository, options: MiningOptions): Promise<MinedRepository> {
  const files = await repository.listFiles()
  const extensions = new Set(options.languages.flatMap(({ plugin }) => plugin.extensions))
  const { selected, refused } = selectFiles(files, { ...options, extensions })
  const rejects: MiningReject[] = refused.map((file) => ({ ...file, by: null }))
  const licenses = await openLicenseFinder(repository, files)
  const found: Kernel[] = []
  const uses: LocatedUse[] = []
  let done = 0
  options.onProgress?.(done, selected.length)
  for await (const { path, content } of repository.readFiles(selected.map((file) => file.path))) {
    const { text, reason } = decodeText(content)
    if (text === null) rejects.push({ path, reason, detail: null, by: null })
    else await mineFile(path, text, { options, repository, licenses }, { found, uses, rejects })
    done += 1
    options.onProgress?.(done, selected.length)
  }
  const { kernels, duplicates } = linkKernels(found, uses)
  return { kernels, rejects: [...rejects, ...duplicates].toSorted(byPath) }
}

interface MiningScope {
  readonly options: MiningOptions
  readonly repository: Repository
  readonly licenses: LicenseFinder
}

interface Findings {
  readonly found: Kernel[]
  readonly uses: LocatedUse[]
  readonly rejects: MiningReject[]
}

async function mineFile(path: string, text: string, scope: MiningScope, into: Findings): Promise<void> {
  const lines = text.split('\n')
  for (const { plugin, options } of scope.options.languages) {
    if (!plugin.extensions.some((extension) => path.endsWith(extension))) continue
    const { kernels, skipped, uses } = await plugin.findKernels({ path, text }, options)
    const by = pluginName(plugin)
    for (const span of kernels) {
      into.found.push(toKernel(path, text, lines, span, { ...scope, language: plugin }))
    }
    for (const use of uses) into.uses.push({ ...use, path })
    for (const { symbol, line, reason } of skipped)
      into.rejects.push({ path, reason, detail: `${symbol}, line ${line}`, by })
  }
}

function toKernel(
  path: string,
  text: string,
  lines: readonly string[],
  span: KernelSpan,
  { repository, licenses, options, language }: MiningScope & { readonly language: Language },
): Kernel {
  const content = lines.slice(span.startLine - 1, span.endLine).join('\n')
  const kernel = {
    language: language.id,
    entry_point: `${path}::${span.symbol}`,
    symbol: span.symbol,
    role: span.role,
    signature: span.signature,
    content,
    content_sha256: sha256(normalizeSource(content, language.id)),
    launch_sites: [],
    autotune_configs: span.autotuneConfigs,
    source: options.source,
    extractor: pluginName(language),
    repo_name: repository.name,
    repo_url: repository.url,
    commit_sha: repository.commitSha,
    path,
    start_line: span.startLine,
    end_line: span.endLine,
    ...licenses.find(path, text),
  }
  return { id: kernelId(kernel), ...kernel }
}

// Roles and launch sites need all files: a kernel may be launched, or called by other kernels, far from where it is defined.
function linkKernels(
  found: readonly Kernel[],
  uses: readonly LocatedUse[],
): { kernels: Kernel[]; duplicates: MiningReject[] } {
  const usesBySymbol = Map.groupBy(uses, ({ symbol }) => symbol)
  const defined = new Set(found.map(({ path, symbol }) => `${path}\n${symbol.split('.').at(-1) ?? ''}`))
  const kernels = new Map<string, Kernel>()
  const duplicates: MiningReject[] = []
  for (const kernel of found) {
    const { id, path, symbol, start_line, extractor } = kernel
    if (kernels.has(id)) {
      const detail = `${symbol}, line ${start_line}: the same text is defined above`
      duplicates.push({ path, reason: 'defined_twice', detail, by: extractor })
      continue
    }
    const own = usesOf(kernel, usesBySymbol, (file, name) => defined.has(`${file}\n${name}`))
    const launches = own.filter(({ kind }) => kind === 'launch')
    const role = roleOf(own)
    kernels.set(id, {
      ...kernel,
      role,
      launch_sites: launches.map(({ path, line, function: name }) => ({ path, line, function: name })),
    })
  }
  return { kernels: [...kernels.values()].toSorted(byPlace), duplicates }
}

function byPlace(a: Kernel, b: Kernel): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1
  return a.start_line - b.start_line || (a.symbol < b.symbol ? -1 : 1)
}

function byPath(a: RefusedFile, b: RefusedFile): number {
  const [left, right] = [`${a.path}\n${a.reason}\n${a.detail}`, `${b.path}\n${b.reason}\n${b.detail}`]
  if (left === right) return 0
  return left < right ? -1 : 1
}
