import type { ConfigRow, Dataset, DatasetConfig, Selection, TaskCandidates } from '../../exports/types.ts'
import { ownFacts } from '../../filters/facts/facts.ts'
import type { CandidateFacts, GivenFacts } from '../../pipelines/core/records/candidate-facts.ts'
import type { ParquetRow } from '../../pipelines/core/parquet.ts'
import { toStored } from '../../pipelines/core/parquet-schema.ts'
import type { Reject } from '../../pipelines/core/records/reject.ts'
import { aCandidate, aTask } from '../records.ts'

const UNGROUPED = {
  task_candidates: 1,
  arl: null,
  arl_bin: null,
  reasoning_rank: null,
  reasoning_ratio: null,
  speedup_rank: null,
  exact_cluster: null,
  near_cluster: null,
  reference_cluster: null,
  semantic_cluster: null,
  split_group: null,
}

/** A candidate as configs see it; `given` are facts that its evaluations do not show. */
export async function aSelection(fields: Partial<Selection> = {}, given: GivenFacts = {}): Promise<Selection> {
  const task = fields.task ?? aTask()
  const { candidate = aCandidate(task), evaluations = [], decisions = [] } = fields
  const own = await ownFacts({ candidate, task, evaluations }, given)
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const facts: CandidateFacts = { ...UNGROUPED, ...own, ...stated }
  return { task, candidate, evaluations, decisions, facts, isSelected: true, isPublishable: true, ...fields }
}

/** A dataset of one task, or of the candidates named. */
export function datasetOf(
  candidates: readonly Selection[],
  {
    trajectories = [],
    rejects = [],
  }: { trajectories?: TaskCandidates['trajectories']; rejects?: readonly Reject[] } = {},
): Dataset {
  return {
    async *selections() {
      yield* candidates.filter(({ isSelected }) => isSelected)
    },
    async *tasks() {
      const ids = [...new Set(candidates.map(({ task }) => task.id))]
      for (const id of ids) {
        const own = candidates.filter(({ task }) => task.id === id)
        const [first] = own
        if (first !== undefined) yield { task: first.task, candidates: own, trajectories }
      }
    },
    async *rejects() {
      yield* rejects
    },
  }
}

/** What a config makes of a dataset; each row has a value that fits for every column, and no other. */
export async function rowsOf<Options>(
  config: DatasetConfig<Options>,
  dataset: Dataset,
  options: unknown = {},
): Promise<ConfigRow[]> {
  const items = await Array.fromAsync(config.rows(dataset, config.options.parse(options)))
  const names = new Set(config.columns.map(({ name }) => name))
  for (const item of items) {
    if (!('row' in item)) continue
    for (const column of config.columns) toStored(column, item.row[column.name])
    for (const name of Object.keys(item.row)) if (!names.has(name)) throw new TypeError(`${name} is no column`)
  }
  return items
}

/** The rows alone. */
export async function tableOf<Options>(
  config: DatasetConfig<Options>,
  dataset: Dataset,
  options: unknown = {},
): Promise<ParquetRow[]> {
  return (await rowsOf(config, dataset, options)).flatMap((item) => ('row' in item ? [item.row] : []))
}
