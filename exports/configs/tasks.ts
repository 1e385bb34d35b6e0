import { z } from 'zod'
import { canonicalJson } from '../../pipelines/core/hash.ts'
import type { Column } from '../../pipelines/core/parquet.ts'
import { plainColumn } from '../columns/message-column.ts'
import type { DatasetConfig, TaskCandidates } from '../types.ts'

const Options = z.strictObject({})

const COLUMNS: readonly Column[] = [
  plainColumn('task_id', 'string', 'The task; the same in every config'),
  plainColumn('task_name', 'string', 'What it computes, as its source calls it'),
  {
    ...plainColumn(
      'reference',
      'string',
      'PyTorch program in KernelBench form; null where licence or contents forbid to pass it on',
    ),
    statistics: false,
  },
  {
    ...plainColumn(
      'workloads',
      'string',
      'JSON list: `id` and `axes`, overrides of module-level names of the reference',
    ),
    statistics: false,
  },
  {
    name: 'requires',
    type: { list: 'string' },
    nullable: false,
    description: 'Python modules it imports',
    statistics: false,
  },
  plainColumn('origin', 'string', '`mined` from a repository or `imported` from a dataset'),
  plainColumn('source', 'string', 'Id of the source in the recipe'),
  plainColumn('repo_name', 'string', 'Repository or dataset it is from'),
  plainColumn('commit_sha', 'string', 'Commit it was read at'),
  plainColumn('path', 'string', 'File it was read from'),
  plainColumn('license', 'string', 'SPDX expression that holds for the file; null where nothing says one'),
  plainColumn('operator_family', 'string', 'What it mostly does; null where it has no reference'),
  plainColumn('operators', 'string', 'Operators it calls, with commas; null where it has no reference'),
  plainColumn('num_operators', 'int64', 'Calls of operators; null where it has no reference'),
  plainColumn('arl', 'double', 'Mean length of its reasonings, tokens; null where it has none'),
  plainColumn('arl_bin', 'string', '`easy`, `medium` or `hard` by that length; null where it has none'),
  plainColumn(
    'reference_cluster',
    'string',
    'Task that stands for all with nearly the same reference; null where it has none',
  ),
  plainColumn(
    'semantic_cluster',
    'string',
    'Task that stands for all whose references do the same; null if never traced',
  ),
  plainColumn('split_group', 'string', 'Tasks that are never divided among splits; null where nobody grouped it'),
  plainColumn(
    'contamination',
    'double',
    'Largest similarity to a problem of a public benchmark; null if never compared',
  ),
  plainColumn('contamination_nearest', 'string', 'That problem; null if there is none'),
  plainColumn('num_candidates', 'int64', 'Candidates that were offered for it'),
  plainColumn('num_passed', 'int64', 'Candidates that passed'),
  plainColumn('num_selected', 'int64', 'Candidates that all filters kept'),
  plainColumn('best_speedup', 'double', 'Fastest candidate that passed, over eager mode; null where none was timed'),
]

/** The questions by themselves, with how many answers there are: for sampling, and for giving them to another model. */
export const tasks: DatasetConfig<z.infer<typeof Options>> = {
  id: 'tasks',
  version: 1,
  summary: 'Every task that has candidates: reference, workloads, difficulty, clusters, and how many candidates passed',
  options: Options,
  columns: COLUMNS,
  async *rows(dataset) {
    for await (const each of dataset.tasks()) yield { taskId: each.task.id, row: rowOf(each) }
  },
}

function rowOf({ task, candidates }: TaskCandidates) {
  const { id, name, reference, workloads, requires, origin, source, repo_name, commit_sha, path, license } = task
  const [facts] = candidates.map((candidate) => candidate.facts)
  const passed = candidates.filter((candidate) => candidate.facts.status === 'PASSED')
  const speedups = passed.flatMap((candidate) => candidate.facts.speedup_eager ?? [])
  return {
    task_id: id,
    task_name: name,
    reference: candidates.some(({ isPublishable }) => isPublishable) ? reference : null,
    workloads: canonicalJson(workloads),
    requires,
    origin,
    source,
    repo_name,
    commit_sha,
    path,
    license,
    operator_family: facts?.operator_family,
    operators: facts?.operators,
    num_operators: facts?.num_operators,
    arl: facts?.arl,
    arl_bin: facts?.arl_bin,
    reference_cluster: facts?.reference_cluster,
    semantic_cluster: facts?.semantic_cluster,
    split_group: facts?.split_group,
    contamination: facts?.contamination,
    contamination_nearest: facts?.contamination_nearest,
    num_candidates: candidates.length,
    num_passed: passed.length,
    num_selected: candidates.filter(({ isSelected }) => isSelected).length,
    best_speedup: speedups.length === 0 ? null : speedups.reduce((best, speedup) => Math.max(best, speedup)),
  }
}
