import { pluginName } from '../../pipelines/core/plugin.ts'
import type { Enabled } from '../../pipelines/core/plugin.ts'
import type { Kernel } from '../../pipelines/core/records/kernel.ts'
import { selectFiles } from '../files/file-selection.ts'
import { decodeText } from '../files/file-text.ts'
import type {
  MinedKernel,
  Pair,
  PairEvidence,
  PairingInput,
  PairingMethod,
  PairingRefusal,
  Repository,
} from '../types.ts'
import { isCMakeFile } from './build-definitions.ts'
import { cameFurther } from './refusals.ts'
import type { RefusalReason } from './refusals.ts'

/** What of a repository pairing reads, and by which methods. */
export interface RepositoryPairingOptions {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly maxFileBytes: number
  readonly maxFiles: number
  /** Whether folders that hold other people's code are read too; absent: no. */
  readonly vendored?: boolean
  readonly methods: readonly Enabled<PairingMethod>[]
  /** Tests that are looked at, by path and name; absent: all. */
  readonly searched?: PairingInput['searched']
  readonly onProgress?: PairingInput['onProgress']
  /** Runs the programs of a pair and says what speaks against them, null for nothing; absent: they are believed as they are. */
  readonly prove?: (pair: Pair) => Promise<PairDefect | null>
}

/** What running the programs of a pair showed. */
export interface PairDefect {
  readonly reason: RefusalReason
  readonly detail: string
}

/** A pair with the method that found it. */
export interface FoundPair {
  readonly pair: Pair
  readonly method: string
}

/** Why a kernel has no pair. */
export interface UnpairedKernel {
  readonly kernel: Kernel
  /** The method that came furthest; null where no method had anything to say. */
  readonly by: string | null
  readonly reason: string
  readonly detail: string | null
  /** The reference, where one was found that could not be cut out. */
  readonly evidence: PairEvidence | null
}

/** What pairing made of a repository. */
export interface PairedRepository {
  readonly pairs: readonly FoundPair[]
  readonly unpaired: readonly UnpairedKernel[]
  /** Texts of the files that were read, by path. */
  readonly files: ReadonlyMap<string, string>
}

// Python, what native extensions are built from and by, and tables that code looks things up in.
const EXTENSIONS = new Set(
  ['.py', '.cu', '.cuh', '.cpp', '.cc', '.cxx', '.c', '.h', '.hpp', '.inl'].concat(['.yaml', '.yml', '.cmake', '.txt']),
)

/**
 * Runs the methods one after the other, each on the kernels that none before has paired. Holds the texts of the selected files
 * (bounded by the limits of the recipe) and the trees of those that pairing has looked into.
 */
export async function pairRepository(
  repository: Repository,
  kernels: readonly Kernel[],
  options: RepositoryPairingOptions,
): Promise<PairedRepository> {
  const files = await readTexts(repository, options)
  const mined = kernels.map(toMinedKernel)
  const pairs: FoundPair[] = []
  const refusals = new Map<string, PairingRefusal & { readonly method: string }>()
  const paired = new Set<string>()
  for (const { plugin, options: settings } of options.methods) {
    const method = pluginName(plugin)
    const progress = options.onProgress === undefined ? {} : { onProgress: options.onProgress }
    const searched = options.searched === undefined ? {} : { searched: options.searched }
    const found = await plugin.findPairs({ repository, kernels: mined, files, ...searched, ...progress }, settings)
    const fresh = found.pairs.filter(({ kernelIds }) => kernelIds.some((id) => !paired.has(id)))
    const { sound, refused } = await prove(fresh, options.prove)
    for (const pair of sound) pairs.push({ pair, method })
    for (const id of sound.flatMap(({ kernelIds }) => kernelIds)) paired.add(id)
    for (const refusal of [...found.refusals, ...refused]) {
      const known = refusals.get(refusal.kernelId)
      if (known === undefined || cameFurther(refusal, known)) refusals.set(refusal.kernelId, { ...refusal, method })
    }
  }
  const unpaired = kernels
    .filter(({ id }) => !paired.has(id))
    .map((kernel) => unpairedKernel(kernel, refusals.get(kernel.id)))
  return { pairs, unpaired, files }
}

// What the programs of a pair show when they are run counts like any other refusal: another method may do better.
async function prove(
  pairs: readonly Pair[],
  prover: RepositoryPairingOptions['prove'],
): Promise<{ sound: Pair[]; refused: PairingRefusal[] }> {
  const defects = await Promise.all(pairs.map(async (pair) => (await prover?.(pair)) ?? null))
  return {
    sound: pairs.filter((_, at) => defects[at] === null),
    refused: pairs.flatMap(({ kernelIds, evidence }, at) => {
      const defect = defects[at] ?? null
      return defect === null ? [] : kernelIds.map((kernelId) => ({ kernelId, ...defect, evidence }))
    }),
  }
}

async function readTexts(repository: Repository, options: RepositoryPairingOptions): Promise<Map<string, string>> {
  const listed = (await repository.listFiles()).filter(({ path }) => !path.endsWith('.txt') || isCMakeFile(path))
  const { selected } = selectFiles(listed, { ...options, extensions: EXTENSIONS })
  const files = new Map<string, string>()
  for await (const { path, content } of repository.readFiles(selected.map((file) => file.path))) {
    // Mining has a row for each file that cannot be read.
    const { text } = decodeText(content)
    if (text !== null) files.set(path, text)
  }
  return files
}

/** A kernel's row as pairing sees it. */
export function toMinedKernel({ id, language, symbol, path, start_line, end_line, role }: Kernel): MinedKernel {
  return { id, language, symbol, path, startLine: start_line, endLine: end_line, role }
}

function unpairedKernel(
  kernel: Kernel,
  refusal: (PairingRefusal & { readonly method: string }) | undefined,
): UnpairedKernel {
  if (kernel.role === 'helper') {
    const detail = 'called by other kernels only: part of their closures'
    return { kernel, by: null, reason: 'device_helper', detail, evidence: null }
  }
  if (refusal === undefined) {
    const detail = 'no test, script or sibling that compares values reaches it'
    return { kernel, by: null, reason: 'no_test', detail, evidence: null }
  }
  const { method, reason, detail, evidence } = refusal
  return { kernel, by: method, reason, detail, evidence }
}
