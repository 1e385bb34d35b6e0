import { decodeText } from '../files/file-text.ts'
import type { FileRevision, Pair, RepositoryPast } from '../types.ts'
import { definedIn, definitionKeys } from './definition-keys.ts'

/** A commit after which the definitions an implementation is made of were others than before. */
export interface RevisionState {
  readonly revision: FileRevision
  readonly key: string
}

/** The revisions of files, each file asked for once. */
export interface RevisionReader {
  /**
   * The states of what a pair takes from its kernel's file, oldest first, no two in a row the same. It begins where the kernel
   * does: a commit that does not know it yet, or by another name, is the end of what can be followed.
   */
  statesOf(pair: Pair, path: string, symbols: readonly string[], text: string): Promise<RevisionState[]>
}

/** Opens the reader; at most `maxCommits` commits are looked at per file. */
export function revisionReader(past: RepositoryPast, maxCommits: number): RevisionReader {
  const known = new Map<string, Promise<FileState[]>>()
  return {
    async statesOf(pair, path, symbols, text) {
      const names = await definedIn(path, text, pair.candidatePieces)
      const states = known.get(path) ?? readStates(past, path, maxCommits)
      known.set(path, states)
      return changesOf(await states, names, symbols)
    },
  }
}

interface FileState {
  readonly revision: FileRevision
  readonly keys: ReadonlyMap<string, string>
}

async function readStates(past: RepositoryPast, path: string, maxCommits: number): Promise<FileState[]> {
  const revisions = (await past.revisions(path, maxCommits)).toReversed()
  const states: FileState[] = []
  let at = 0
  for await (const content of past.contents(revisions)) {
    const revision = revisions[at]
    at += 1
    const { text } = decodeText(content)
    if (revision === undefined || text === null) continue
    states.push({ revision, keys: await definitionKeys(revision.path, text) })
  }
  return states
}

function changesOf(
  states: readonly FileState[],
  names: readonly string[],
  symbols: readonly string[],
): RevisionState[] {
  let changes: RevisionState[] = []
  for (const { revision, keys } of states) {
    if (!symbols.every((symbol) => keys.has(symbol.split('.')[0] ?? symbol))) {
      changes = []
      continue
    }
    const key = names.map((name) => keys.get(name) ?? '').join('\n')
    if (changes.at(-1)?.key !== key) changes.push({ revision, key })
  }
  return changes
}
