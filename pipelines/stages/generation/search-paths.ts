import type { RowMapping } from '../../../extractors/imports/columns.ts'
import type { ImportScope } from '../../../extractors/imports/import-records.ts'
import { attemptOfRow } from '../../../extractors/imports/row-records.ts'
import type { RowRecords, SearchAttempt } from '../../../extractors/imports/row-records.ts'
import type { ImportedRow } from '../../../extractors/types.ts'
import { trajectoryId } from '../../core/records/trajectory.ts'
import type { TrajectoryTurn } from '../../core/records/trajectory.ts'

/** The searches that the rows of a file are attempts of. */
export interface Search {
  /** The turns that a row is, in the trajectories that lead over it. Rows come in the order of the file. */
  turnsOf(records: Pick<RowRecords, 'attempt' | 'candidates'>): TrajectoryTurn[]
}

/** An attempt without its text: all of them are in memory. */
interface Node extends Pick<SearchAttempt, 'score'> {
  readonly parent: string | null
  readonly depth: number
  readonly root: string
}

/** What those made from an attempt are made from; its own, or where nothing could be made of it, what it was made from itself. */
interface Made {
  readonly candidateId: string | null
  readonly feedback: string | null
}

/**
 * Reads how the attempts of a file follow from each other. A trajectory is the way from a first attempt to a last one: with scores to
 * the best of each search, and without to every one that nothing was made from. Ways of one attempt are none.
 */
export async function openSearch(
  rows: AsyncIterable<ImportedRow>,
  mapping: RowMapping,
  scope: ImportScope,
): Promise<Search> {
  const nodes = new Map<string, Node>()
  for await (const row of rows) {
    const attempt = attemptOfRow(row, mapping)
    if (attempt === null || nodes.has(attempt.id)) continue
    // What stands before nothing it was made from begins a search of its own.
    const parent = attempt.parent_id === null ? undefined : nodes.get(attempt.parent_id)
    const parentId = parent === undefined ? null : attempt.parent_id
    const place = { depth: (parent?.depth ?? -1) + 1, root: parent?.root ?? attempt.id }
    nodes.set(attempt.id, { parent: parentId, score: attempt.score, ...place })
  }
  const waysOver = waysOf(nodes, mapping.score === null ? lastOnes(nodes) : bestOnes(nodes))
  const made = new Map<string, Made>()

  function turnsOf({ attempt, candidates }: Pick<RowRecords, 'attempt' | 'candidates'>): TrajectoryTurn[] {
    const [candidate] = candidates
    const node = attempt === null ? undefined : nodes.get(attempt.id)
    if (attempt === null || node === undefined || made.has(attempt.id)) return []
    const before = node.parent === null ? null : (made.get(node.parent) ?? null)
    const parent_id = before?.candidateId ?? null
    // Feedback on an attempt that is not there says nothing of the one before it.
    made.set(
      attempt.id,
      candidate === undefined
        ? { candidateId: parent_id, feedback: null }
        : { candidateId: candidate.id, feedback: attempt.feedback },
    )
    if (candidate === undefined) return []
    return (waysOver.get(attempt.id) ?? []).map((end) => ({
      trajectory_id: trajectoryId(candidate.task_id, scope.fileSha256, end),
      task_id: candidate.task_id,
      turn: node.depth,
      candidate_id: candidate.id,
      parent_id,
      reasoning: candidate.reasoning,
      feedback: before?.feedback ?? null,
      change: null,
      evidence: [],
      commit_sha: null,
      authored_at: null,
      source: scope.source,
    }))
  }
  return { turnsOf }
}

function lastOnes(nodes: ReadonlyMap<string, Node>): string[] {
  const parents = new Set([...nodes.values()].map(({ parent }) => parent))
  return [...nodes.keys()].filter((id) => !parents.has(id))
}

// Of several that are as good the first.
function bestOnes(nodes: ReadonlyMap<string, Node>): string[] {
  const best = new Map<string, string>()
  for (const [id, { root, score }] of nodes) {
    const known = nodes.get(best.get(root) ?? '')?.score ?? -Infinity
    if (score !== null && score > known) best.set(root, id)
  }
  return [...best.values()]
}

function waysOf(nodes: ReadonlyMap<string, Node>, ends: readonly string[]): Map<string, string[]> {
  const ways = new Map<string, string[]>()
  for (const end of ends) {
    if (nodes.get(end)?.depth === 0) continue
    for (let id: string | null = end; id !== null; id = nodes.get(id)?.parent ?? null) {
      const known = ways.get(id)
      if (known === undefined) ways.set(id, [end])
      else known.push(end)
    }
  }
  return ways
}
