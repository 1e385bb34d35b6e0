import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { taskId, tasks } from '../../../pipelines/core/records/task.ts'
import type { Task } from '../../../pipelines/core/records/task.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import { generateStage } from '../../../pipelines/stages/generate.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aRecipe, openStageRun } from './stage-run.ts'
import type { StageRun } from './stage-run.ts'

export const CODE = 'import torch\nimport triton\n\n\nclass ModelNew(torch.nn.Module):\n    pass\n'
export const IMPORT = { id: 'outputs', path: 'outputs.jsonl', jsonl: {} }
export const SHARD = { stage: 'generate', shard: 'outputs' } as const
export const TASKS: readonly Task[] = [aTask('softmax'), aTask('add'), { ...aTask('other'), name: 'add' }]

/** A run whose recipe has one import, on tasks that were paired. */
export async function openRun(entry: unknown, known: readonly Task[]): Promise<StageRun & { base: string }> {
  const base = await temporaryFolder()
  const run = openStageRun(base, aRecipe({ generate: { imports: [entry] } }))
  await run.write(
    { stage: 'pair', shard: 'example' },
    known.map((task) => rowOf(tasks, task)),
    [tasks],
  )
  return { ...run, base }
}

/** Imports these rows. */
export async function runOutputs(
  rows: readonly unknown[],
  { entry = IMPORT, tasks: known = TASKS }: { entry?: unknown; tasks?: readonly Task[] } = {},
): Promise<StageRun> {
  const run = await openRun(entry, known)
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)))
  await writeFile(join(run.base, 'outputs.jsonl'), `${lines.join('\n')}\n`)
  await run.run(generateStage)
  return run
}

export function aTask(name: string, fields: Partial<Task> = {}): Task {
  const reference = `class Model:\n    """${name}"""\n`
  const id = taskId({ reference, workloads: [] })
  return {
    id,
    name,
    reference,
    workloads: [],
    tolerance: null,
    origin: 'mined',
    requires: [],
    pairing: null,
    source: 'example',
    repo_name: 'example',
    repo_url: 'example:example',
    commit_sha: '0'.repeat(40),
    path: 'test.py',
    start_line: 1,
    end_line: 2,
    license: 'MIT',
    license_evidence: 'header',
    ...fields,
  }
}
