import { countReject, countSelection } from '../../exports/card/facts.ts'
import type { DatasetFacts } from '../../exports/card/facts.ts'
import type { Dataset, Selection, TaskCandidates } from '../../exports/types.ts'
import type { CandidateJoin } from '../core/candidate-records.ts'
import { rejects } from '../core/records/reject.ts'
import type { Reject } from '../core/records/reject.ts'
import { trajectories } from '../core/records/trajectory.ts'
import type { TrajectoryTurn } from '../core/records/trajectory.ts'
import type { StageContext } from '../core/stage.ts'
import type { Recipe } from './recipe.ts'

type Context = StageContext<Recipe, undefined>
type Records = CandidateJoin['records'] extends () => AsyncGenerator<infer Row> ? Row : never

/** The selected candidates, and all of them, opened when they are first asked for. */
export interface Joins {
  readonly selected: CandidateJoin
  all(): Promise<CandidateJoin>
}

/** The records as configs see them. What passes by is counted for the card, the first time. */
export function openDataset(joins: Joins, context: Context, facts: DatasetFacts, refusals: readonly Reject[]): Dataset {
  let isCounted = false
  let areRejectsCounted = false
  return {
    async *selections() {
      const isFirst = !isCounted
      isCounted = true
      for await (const records of joins.selected.records()) {
        const selection = selectionOf(records)
        if (selection === null) throw new TypeError(`the filter selected ${records.candidate.id}, which has no task`)
        if (isFirst) {
          countSelection(facts, selection)
          context.progress.advance()
        }
        yield selection
      }
    },
    async *tasks() {
      yield* groupByTask((await joins.all()).records(), await readTrajectories(context))
    },
    async *rejects() {
      const isFirst = !areRejectsCounted
      areRejectsCounted = true
      for await (const reject of withRefusals(context, refusals)) {
        if (isFirst) countReject(facts, reject)
        yield reject
      }
    },
  }
}

// Null for a candidate that filters were never asked about, since its task is gone.
function selectionOf({ candidate, task, evaluations, decisions, facts }: Records): Selection | null {
  if (task === null || facts === null) return null
  return {
    candidate,
    task,
    evaluations,
    decisions,
    facts,
    isSelected: decisions.every(({ keep }) => keep),
    isPublishable: !decisions.some(({ filter, keep }) => !keep && FORBIDS_TEXT.has(filter.replace(/@\d+$/, ''))),
  }
}

/** Filters whose refusal means that nobody may see the text, whatever else it would be good for. */
const FORBIDS_TEXT = new Set(['license', 'safety'])

async function* groupByTask(
  records: AsyncIterable<Records>,
  trajectoriesOf: ReadonlyMap<string, readonly TrajectoryTurn[][]>,
): AsyncGenerator<TaskCandidates> {
  let group: Selection[] = []
  for await (const each of records) {
    const selection = selectionOf(each)
    if (selection === null) continue
    if (group[0] !== undefined && group[0].task.id !== selection.task.id) {
      yield taskOf(group, trajectoriesOf)
      group = []
    }
    group.push(selection)
  }
  if (group.length > 0) yield taskOf(group, trajectoriesOf)
}

function taskOf(
  candidates: readonly Selection[],
  trajectoriesOf: ReadonlyMap<string, readonly TrajectoryTurn[][]>,
): TaskCandidates {
  const [first] = candidates
  if (first === undefined) throw new TypeError('a task without candidates')
  return { task: first.task, candidates, trajectories: trajectoriesOf.get(first.task.id) ?? [] }
}

// Turns hold no code: they fit into memory. The same trajectory may have come from two shards.
async function readTrajectories(context: Context): Promise<Map<string, TrajectoryTurn[][]>> {
  const byId = new Map<string, Map<number, TrajectoryTurn>>()
  for await (const turn of context.read(trajectories)) {
    byId.set(turn.trajectory_id, (byId.get(turn.trajectory_id) ?? new Map()).set(turn.turn, turn))
  }
  const byTask = new Map<string, TrajectoryTurn[][]>()
  for (const [, turns] of [...byId].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const ordered = [...turns.values()].toSorted((a, b) => a.turn - b.turn)
    const task = ordered[0]?.task_id ?? ''
    byTask.set(task, [...(byTask.get(task) ?? []), ordered])
  }
  return byTask
}

async function* withRefusals(context: Context, refusals: readonly Reject[]): AsyncGenerator<Reject> {
  yield* context.read(rejects)
  yield* refusals
}
