import { assignSplits } from '../../exports/splits.ts'
import type { Split, SplitShares, SplitTask } from '../../exports/splits.ts'
import { parquetTable } from '../core/duckdb.ts'
import type { Database } from '../core/duckdb.ts'
import { candidateFacts } from '../core/records/candidate-facts.ts'

/** Reads which tasks belong together and gives the split of each; what is no task's, such as a reject, is never held out. */
export async function readSplits(
  database: Database,
  facts: readonly string[],
  shares: SplitShares,
): Promise<(taskId: string | null) => Split> {
  const rows =
    database.query(`SELECT task_id, any_value(split_group) AS split_group, any_value(reference_repo_name) AS repository
    FROM ${parquetTable(facts, candidateFacts.columns)} GROUP BY task_id ORDER BY task_id`)
  const tasks = await Array.fromAsync(rows, ({ task_id, split_group, repository }): SplitTask => ({
    taskId: String(task_id),
    group: typeof split_group === 'string' ? split_group : String(task_id),
    repository: typeof repository === 'string' ? repository : null,
  }))
  const splits = assignSplits(tasks, shares)
  return (taskId) => (taskId === null ? 'train' : (splits.get(taskId) ?? 'train'))
}
