import { mineRepository } from '../mining.ts'
import type { MiningOptions } from '../mining.ts'
import { openLicenseFinder } from '../licenses/license-finder.ts'
import type { RecordScope } from '../pairing/pair-records.ts'
import { pairRepository } from '../pairing/repository-pairing.ts'
import type { FoundPair, RepositoryPairingOptions } from '../pairing/repository-pairing.ts'
import type { FileRevision, Pair, Repository } from '../types.ts'
import type { HistoryOptions } from './options.ts'
import { pastRepository } from './past-repository.ts'

/** How past states are mined and paired: as the present one was. */
export interface PastSettings {
  readonly repository: Repository
  readonly mining: MiningOptions
  readonly pairing: RepositoryPairingOptions
  readonly options: HistoryOptions
}

/** An implementation that is followed, and the kernels it launches, by name. */
export interface Followed {
  readonly pair: Pair
  readonly symbols: readonly string[]
  /** File of its kernel today. */
  readonly path: string
}

/** The state of an implementation after a commit, or why it could not be cut out. */
export type PastState =
  | { readonly found: FoundPair; readonly scope: RecordScope; readonly reason: null }
  | { readonly found: null; readonly reason: string; readonly detail: string | null }

/**
 * What implementations were after one commit: the same tests of today are paired with the library as it was then, by the same
 * methods. The answers are in the order of `wanted`.
 */
export async function statesAt(
  commitSha: string,
  wanted: readonly { readonly followed: Followed; readonly revision: FileRevision }[],
  settings: PastSettings,
): Promise<PastState[]> {
  const { repository, mining, pairing, options } = settings
  const then = repository.past?.at(commitSha)
  if (then === undefined) return wanted.map(() => ({ found: null, reason: 'no_history', detail: null }))
  const moved = new Map(wanted.map(({ followed, revision }) => [revision.path, followed.path]))
  const view = pastRepository(then, repository, { moved, keep: options.keep })
  const paths = new Set(
    wanted.flatMap(({ followed, revision }) => [
      revision.path,
      ...followed.pair.candidatePieces.map(({ path }) => path),
    ]),
  )
  const { kernels } = await mineRepository(view, { ...mining, include: [...paths].map(literalGlob) })
  const searched = new Map<string, ReadonlySet<string>>()
  for (const { evidence } of wanted.map(({ followed }) => followed.pair)) {
    searched.set(evidence.path, new Set([...(searched.get(evidence.path) ?? []), evidence.symbol ?? '']))
  }
  const paired = await pairRepository(view, kernels, { ...pairing, searched })
  const licenses = await openLicenseFinder(then, await then.listFiles())
  const scope: RecordScope = { repository: then, source: mining.source, licenses, files: paired.files }
  const symbolOf = new Map(kernels.map(({ id, symbol }) => [id, symbol]))
  return wanted.map(({ followed, revision }) => {
    const found = paired.pairs.find(
      ({ pair }) =>
        isSameTest(followed.pair, pair) &&
        pair.kernelIds.some((id) => followed.symbols.includes(symbolOf.get(id) ?? '')),
    )
    if (found !== undefined) return { found: withPathOf(found, followed.path, revision.path), scope, reason: null }
    const refusal = paired.unpaired.find(({ kernel }) => followed.symbols.includes(kernel.symbol))
    return { found: null, reason: refusal?.reason ?? 'not_reached', detail: refusal?.detail ?? null }
  })
}

// What stands at the path of today was read from the path of then.
function withPathOf({ pair, method }: FoundPair, today: string, then: string): FoundPair {
  const candidatePieces = pair.candidatePieces.map((piece) => (piece.path === today ? { ...piece, path: then } : piece))
  return { pair: { ...pair, candidatePieces }, method }
}

function isSameTest({ name, evidence }: Pair, other: Pair): boolean {
  const { path, symbol, line } = other.evidence
  return other.name === name && evidence.path === path && evidence.symbol === symbol && evidence.line === line
}

function literalGlob(path: string): string {
  return path.replaceAll(/[\\*?[\]{}()!+@|]/g, String.raw`\$&`)
}
