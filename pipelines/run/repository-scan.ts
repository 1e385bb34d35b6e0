import { resolve } from 'node:path'
import { stat } from 'node:fs/promises'
import { languages } from '../../extractors/languages/registry.ts'
import { mineRepository } from '../../extractors/mining.ts'
import { pairingMethods } from '../../extractors/pairing/registry.ts'
import { pairRepository } from '../../extractors/pairing/repository-pairing.ts'
import type { PairedRepository } from '../../extractors/pairing/repository-pairing.ts'
import { folder } from '../../extractors/sources/folder.ts'
import { localGitDirectory, localPathOf } from '../../extractors/sources/git-address.ts'
import { git } from '../../extractors/sources/git.ts'
import type { Language, PairEvidence, PairingMethod, Repository, SourceContext } from '../../extractors/types.ts'
import type { Enabled, Plugin, Registry } from '../core/plugin.ts'
import type { Kernel } from '../core/records/kernel.ts'

/** A kernel that a scan found. */
export interface ScannedKernel {
  readonly kind: 'kernel'
  readonly language: string
  readonly path: string
  /** `file::symbol` */
  readonly entry_point: string
  readonly start_line: number
  readonly end_line: number
  readonly role: Kernel['role']
  readonly license: string | null
}

/** A reference that a scan found for a kernel. */
export interface ScannedPair {
  readonly kind: 'pair'
  /** Entry point of the kernel. */
  readonly kernel: string
  readonly reference: PairEvidence['reference']
  /** Pairing plug-in with version. */
  readonly method: string
  readonly evidence: Omit<PairEvidence, 'reference' | 'confidence'>
  readonly confidence: number
  /** Whether both sides were cut out as programs that need nothing of the repository. */
  readonly self_contained: boolean
  /** Why they were not; null where they were. */
  readonly reason: string | null
}

/** What a scan found, counted. */
export interface ScanSummary {
  readonly kind: 'summary'
  readonly repository: string
  readonly commit_sha: string
  readonly kernels: Readonly<Record<string, number>>
  readonly kernels_with_pair: number
  readonly pairs: number
  readonly self_contained_pairs: number
  /** Reason to number of kernels that no self-contained pair was found for. */
  readonly unpaired: Readonly<Record<string, number>>
  /** Reason to number of files and kernels that mining left out. */
  readonly rejects: Readonly<Record<string, number>>
}

export interface RepositoryScan {
  readonly kernels: readonly ScannedKernel[]
  readonly pairs: readonly ScannedPair[]
  readonly summary: ScanSummary
}

// The limits that recipes have by default; who looks at one repository also wants to see what it took over from others.
const READ = { include: ['**'], exclude: [], maxFileBytes: 2_000_000, maxFiles: 100_000, vendored: true }

/** Told how many files a part of a scan has read, and of how many; each way of pairing reads them once more. */
export type ScanProgress = (part: 'mine' | 'pair', done: number, total: number) => void

/** Mines and pairs one repository or folder with every language and method, outside of any run. `at`: a full commit id, a branch or a tag. */
export async function scanRepository(
  address: string,
  at: string | null,
  context: SourceContext,
  onProgress: ScanProgress = () => undefined,
): Promise<RepositoryScan> {
  const repository = await openAddress(address, at, context)
  try {
    return await scanOpened(repository, context.signal, onProgress)
  } finally {
    await repository.close()
  }
}

/** The same for a repository that is open already. */
export async function scanOpened(
  repository: Repository,
  signal: AbortSignal,
  onProgress: ScanProgress = () => undefined,
): Promise<RepositoryScan> {
  // Every way of pairing counts from the start again.
  let before = 0
  const whenMined = (done: number, total: number): void => {
    signal.throwIfAborted()
    onProgress('mine', done, total)
  }
  const whenPaired = (done: number, total: number): void => {
    signal.throwIfAborted()
    onProgress('pair', before + done, before + total)
    if (done === total) before += total
  }
  const mined = await mineRepository(repository, {
    ...READ,
    source: 'scan',
    languages: withDefaults<Language>(languages),
    onProgress: whenMined,
  })
  const methods = withDefaults<PairingMethod>(pairingMethods)
  const paired = await pairRepository(repository, mined.kernels, { ...READ, methods, onProgress: whenPaired })
  const pairs = pairsOf(paired, mined.kernels)
  return {
    kernels: mined.kernels.map(toScannedKernel),
    pairs,
    summary: {
      kind: 'summary',
      repository: repository.name,
      commit_sha: repository.commitSha,
      kernels: counted(mined.kernels.map(({ language }) => language)),
      kernels_with_pair: new Set(pairs.map(({ kernel }) => kernel)).size,
      pairs: pairs.length,
      self_contained_pairs: pairs.filter((pair) => pair.self_contained).length,
      unpaired: counted(paired.unpaired.map(({ reason }) => reason)),
      rejects: counted(mined.rejects.map(({ reason }) => reason)),
    },
  }
}

async function openAddress(address: string, at: string | null, context: SourceContext): Promise<Repository> {
  const path = localPathOf(address)
  if (path !== null && (await isPlainFolder(path))) {
    const options = folder.options.parse({ path })
    return folder.open(options, await folder.resolve(options, context), context)
  }
  const isCommit = at !== null && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(at)
  const named = at === null ? {} : isCommit ? { commit: at } : { ref: at }
  const options = git.options.parse({ url: path === null ? address : resolve(path), ...named })
  return git.open(options, await git.resolve(options, context), context)
}

async function isPlainFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null)
  return found?.isDirectory() === true && (await localGitDirectory(path, process.cwd())) === null
}

function withDefaults<Member extends Plugin>(registry: Registry<Member>): Enabled<Member>[] {
  return Object.values(registry).map((plugin) => ({ plugin, options: plugin.options.parse({}) }))
}

function toScannedKernel(kernel: Kernel): ScannedKernel {
  const { language, path, entry_point, start_line, end_line, role, license } = kernel
  return { kind: 'kernel', language, path, entry_point, start_line, end_line, role, license }
}

function pairsOf({ pairs, unpaired }: PairedRepository, kernels: readonly Kernel[]): ScannedPair[] {
  const entryPoints = new Map(kernels.map(({ id, entry_point }) => [id, entry_point]))
  const whole = pairs.flatMap(({ pair, method }) =>
    pair.kernelIds.map((id) => toScannedPair(entryPoints.get(id) ?? id, method, pair.evidence, null)),
  )
  const parts = unpaired.flatMap(({ kernel, by, reason, evidence }) =>
    evidence === null || by === null ? [] : [toScannedPair(kernel.entry_point, by, evidence, reason)],
  )
  const unique = new Map([...whole, ...parts].map((pair) => [JSON.stringify(pair), pair]))
  return [...unique.values()].toSorted((a, b) => (a.kernel < b.kernel ? -1 : a.kernel > b.kernel ? 1 : 0))
}

function toScannedPair(
  kernel: string,
  method: string,
  { reference, confidence, ...evidence }: PairEvidence,
  reason: string | null,
): ScannedPair {
  return { kind: 'pair', kernel, reference, method, evidence, confidence, self_contained: reason === null, reason }
}

function counted(values: readonly string[]): Record<string, number> {
  const groups = Object.entries(Object.groupBy(values, (value) => value))
  return Object.fromEntries(groups.map(([value, all]) => [value, all?.length ?? 0] as const).toSorted(byName))
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1
}
