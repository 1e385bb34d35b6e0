import { z } from 'zod'
import { canonicalJson } from '../../pipelines/core/hash.ts'
import type { Column } from '../../pipelines/core/parquet.ts'
import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import { messageColumn, plainColumn } from '../columns/message-column.ts'
import { writeKernel } from '../prompts/write-kernel.ts'
import type { DatasetConfig, Selection, TaskCandidates } from '../types.ts'

const Options = z.strictObject({
  languages: z
    .array(z.string())
    .min(1)
    .default(['triton', 'cuda'])
    .describe('Kernel languages to ask for, one row each'),
  require_solved: z
    .boolean()
    .default(true)
    .describe('Whether a task must have a candidate that passed: what nobody solved may be unsolvable'),
})
type Options = z.infer<typeof Options>

const TEXT = { statistics: false }

const COLUMNS: readonly Column[] = [
  messageColumn('prompt', 'The question; TRL’s GRPO trainer gives every other column to the reward functions'),
  plainColumn('task_id', 'string', 'The task; the same in every config'),
  plainColumn('language', 'string', 'Kernel language that is asked for'),
  { ...plainColumn('reference', 'string', 'PyTorch program that the verifier compares with'), ...TEXT },
  {
    ...plainColumn(
      'workloads',
      'string',
      'JSON list: `id` and `axes`, overrides of module-level names of the reference',
    ),
    ...TEXT,
  },
  plainColumn('entry_point', 'string', '`file::symbol` that the verifier looks for in the answer'),
  plainColumn('best_speedup', 'double', 'Fastest known candidate over eager mode; null where none was timed'),
  plainColumn('solved_share', 'double', 'Share of the candidates that passed: how hard the task is'),
  plainColumn('operator_family', 'string', 'What the task mostly does; null where nobody could say'),
  plainColumn('data_source', 'string', 'Which reward function of verl is meant'),
  plainColumn('ability', 'string', 'As verl names kinds of tasks'),
  {
    name: 'reward_model',
    type: { struct: { style: 'string', ground_truth: 'string' } },
    nullable: false,
    description:
      'As verl reads it: `style` is `rule`, `ground_truth` JSON with `reference`, `workloads`, `entry_point`',
    ...TEXT,
  },
  {
    name: 'extra_info',
    type: { struct: { index: 'int64', task_id: 'string', language: 'string', reference_license: 'string' } },
    nullable: false,
    description: 'As verl hands it to the reward function; `index` counts the rows of the config',
    ...TEXT,
  },
]

/** Questions with what a verifier needs, for training by reward: `curate evaluate` is such a verifier. */
export const rl: DatasetConfig<Options> = {
  id: 'rl',
  version: 1,
  summary: 'Reinforcement learning: a question and what verifies its answers, for TRL’s GRPO and for verl',
  options: Options,
  columns: COLUMNS,
  async *rows(dataset, { languages, require_solved }) {
    let index = 0
    for await (const each of dataset.tasks()) {
      const passed = each.candidates.filter(({ facts }) => facts.status === 'PASSED')
      const isPublishable = each.candidates.some((candidate) => candidate.isPublishable)
      if (each.task.reference === '' || !isPublishable || (require_solved && passed.length === 0)) continue
      for (const language of languages) {
        yield { taskId: each.task.id, row: rowOf(each, passed, { language, index }) }
        index += 1
      }
    }
  },
}

function rowOf(
  { task, candidates }: TaskCandidates,
  passed: readonly Selection[],
  { language, index }: { language: string; index: number },
) {
  const asked: Pick<Candidate, 'language' | 'form' | 'entry_point'> = {
    language,
    form: 'python',
    entry_point: ENTRY_POINT,
  }
  const workloads = canonicalJson(task.workloads)
  const verifier = { reference: task.reference, workloads: task.workloads, entry_point: ENTRY_POINT }
  const speedups = passed.flatMap(({ facts }) => facts.speedup_eager ?? [])
  return {
    prompt: [{ role: 'user', content: writeKernel.renderQuestion(task, asked) }],
    task_id: task.id,
    language,
    reference: task.reference,
    workloads,
    entry_point: ENTRY_POINT,
    best_speedup: speedups.length === 0 ? null : speedups.reduce((best, speedup) => Math.max(best, speedup)),
    solved_share: passed.length / candidates.length,
    operator_family: candidates[0]?.facts.operator_family,
    data_source: 'curate',
    ability: 'kernel',
    reward_model: { style: 'rule', ground_truth: canonicalJson(verifier) },
    extra_info: { index, task_id: task.id, language, reference_license: task.license },
  }
}

const ENTRY_POINT = 'candidate.py::ModelNew'
