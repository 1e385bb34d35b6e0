import { CurateError } from '../../pipelines/core/errors.ts'
import { normalizeSource } from '../../pipelines/core/source-text.ts'
import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import type { Kernel } from '../../pipelines/core/records/kernel.ts'
import type { Task } from '../../pipelines/core/records/task.ts'
import type { TrajectoryTurn } from '../../pipelines/core/records/trajectory.ts'
import { toCandidate } from '../pairing/pair-records.ts'
import type { PairDefect } from '../pairing/repository-pairing.ts'
import type { FileRevision, Pair } from '../types.ts'
import { statesAt } from './revision-pairs.ts'
import type { Followed, PastSettings, PastState } from './revision-pairs.ts'
import { revisionReader } from './revision-states.ts'
import type { RevisionState } from './revision-states.ts'
import { turnsOf } from './revision-turns.ts'
import type { KeptState } from './revision-turns.ts'

/** A pair of today with its records. */
export interface PresentPair {
  readonly pair: Pair
  readonly task: Task
  readonly candidate: Candidate
}

/** A state that could not be made a candidate. */
export interface RefusedRevision {
  readonly candidateId: string
  readonly commitSha: string
  readonly reason: string
  readonly detail: string | null
}

/** The past of a repository's implementations. */
export interface RepositoryHistory {
  readonly candidates: readonly Candidate[]
  readonly turns: readonly TrajectoryTurn[]
  readonly refusals: readonly RefusedRevision[]
}

/** What is asked: the present, how it was made, and how far back to go. */
export interface HistoryRequest extends PastSettings {
  readonly kernels: readonly Kernel[]
  readonly present: readonly PresentPair[]
  /** Texts of the files of today, by path. */
  readonly files: ReadonlyMap<string, string>
  readonly onProgress?: (done: number, total: number) => void
  /** Imports the implementation of a past state and says what speaks against it, null for nothing; absent: it is believed as it is. */
  readonly prove?: (pair: Pair) => Promise<PairDefect | null>
}

/**
 * Follows every implementation of a repository through its history: each state of the definitions it is made of is cut out like the
 * present one and becomes a candidate of the same task. One commit's files are in memory at a time.
 */
export async function followHistory(request: HistoryRequest): Promise<RepositoryHistory> {
  const [candidates, turns, refusals]: [Map<string, Candidate>, TrajectoryTurn[], RefusedRevision[]] = [
    new Map(),
    [],
    [],
  ]
  const followed = await findStates(request, refusals)
  const past = await readPast(request, followed)
  for (const one of followed) {
    const kept = keptStates(one, past, refusals)
    if (kept.length < 2) continue
    for (const { candidate } of kept.slice(0, -1)) candidates.set(candidate.id, candidate)
    turns.push(...(await turnsOf(one.present.task, kept)))
  }
  for (const { candidate } of request.present) candidates.delete(candidate.id)
  return { candidates: [...candidates.values()], turns, refusals }
}

interface FollowedPair extends Followed {
  readonly present: PresentPair
  /** Oldest first; the last one is the present. */
  readonly states: readonly RevisionState[]
}

async function findStates(
  { repository, kernels, present, files, options }: HistoryRequest,
  refusals: RefusedRevision[],
): Promise<FollowedPair[]> {
  if (repository.past === undefined) return []
  const reader = revisionReader(repository.past, options.max_commits)
  const byId = new Map(kernels.map((kernel) => [kernel.id, kernel]))
  const followed: FollowedPair[] = []
  for (const one of present) {
    const own = one.pair.kernelIds.flatMap((id) => byId.get(id) ?? [])
    const path = own[0]?.path ?? ''
    // Native kernels are built from several files: what of them belongs to one state is not told by definitions of one.
    if (!path.endsWith('.py')) continue
    const symbols = own.filter((kernel) => kernel.path === path).map(({ symbol }) => symbol)
    try {
      const states = await reader.statesOf(one.pair, path, symbols, files.get(path) ?? '')
      if (states.length > 1)
        followed.push({ pair: one.pair, path, symbols, present: one, states: states.slice(-options.max_revisions) })
    } catch (error) {
      // A damaged repository may still tell the past of other files.
      if (!(error instanceof CurateError) || error.code !== 'object_missing') throw error
      const candidateId = one.candidate.id
      refusals.push({ candidateId, commitSha: repository.commitSha, reason: 'history_absent', detail: error.message })
    }
  }
  return followed
}

type Past = ReadonlyMap<FollowedPair, ReadonlyMap<string, PastState>>

async function readPast(request: HistoryRequest, followed: readonly FollowedPair[]): Promise<Past> {
  const wanted = new Map<string, { followed: FollowedPair; revision: FileRevision }[]>()
  for (const one of followed) {
    for (const { revision } of one.states.slice(0, -1)) {
      wanted.set(revision.commit_sha, [...(wanted.get(revision.commit_sha) ?? []), { followed: one, revision }])
    }
  }
  const past = new Map(followed.map((one) => [one, new Map<string, PastState>()]))
  let done = 0
  for (const [commitSha, some] of wanted) {
    request.onProgress?.(done, wanted.size)
    const cut = await statesAt(commitSha, some, request)
    const states = await Promise.all(cut.map((state) => proved(state, request.prove)))
    some.forEach(({ followed: one }, at) => {
      const state = states[at]
      if (state !== undefined) past.get(one)?.set(commitSha, state)
    })
    done += 1
  }
  request.onProgress?.(done, wanted.size)
  return past
}

async function proved(state: PastState, prove: HistoryRequest['prove']): Promise<PastState> {
  const defect = state.found === null ? null : ((await prove?.(state.found.pair)) ?? null)
  return defect === null ? state : { found: null, ...defect }
}

// States of equal code are one; what was said about those that could not be cut out goes to the next that could.
function keptStates(one: FollowedPair, past: Past, refusals: RefusedRevision[]): KeptState[] {
  const { present, states } = one
  const kept: KeptState[] = []
  let commits: FileRevision[] = []
  for (const { revision } of states) {
    commits.push(revision)
    const candidate =
      revision === states.at(-1)?.revision
        ? present.candidate
        : pastCandidate(one, revision.commit_sha, past.get(one)?.get(revision.commit_sha), refusals)
    if (candidate === null) continue
    if (kept.length > 0 && codeOf(kept.at(-1)?.candidate) === codeOf(candidate)) {
      // The present stands for the state it is, though an older commit has the same code.
      if (candidate === present.candidate) kept.splice(-1, 1, { ...(kept.at(-1) ?? { commits }), candidate })
      continue
    }
    kept.push({ candidate, commits })
    commits = []
  }
  return kept
}

function pastCandidate(
  { present }: FollowedPair,
  commitSha: string,
  state: PastState | undefined,
  refusals: RefusedRevision[],
): Candidate | null {
  if (state === undefined) return null
  if (state.found === null) {
    refusals.push({
      candidateId: present.candidate.id,
      commitSha,
      reason: state.reason,
      detail: state.detail,
    })
    return null
  }
  const { task, candidate } = present
  return { ...toCandidate(state.found, task, null, state.scope), origin: 'revision', kernel_ids: candidate.kernel_ids }
}

// What is written to a log changes nothing that a kernel computes.
function codeOf(candidate: Candidate | undefined): string | null {
  if (candidate === undefined) return null
  const lines = normalizeSource(candidate.sources[0]?.content ?? '', 'python').split('\n')
  return lines.filter((line) => !/^ *(?:logger|logging|log) \. /.test(line)).join('\n')
}
