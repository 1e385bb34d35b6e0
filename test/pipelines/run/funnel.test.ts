import { expect, test } from 'vitest'
import { kernels } from '../../../pipelines/core/records/kernel.ts'
import { evaluations } from '../../../pipelines/core/records/evaluation.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import type { ShardKey, Stage } from '../../../pipelines/core/stage.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import { readFunnel } from '../../../pipelines/run/funnel.ts'
import { writeRunPlan } from '../../../pipelines/run/run-plan.ts'
import type { Recipe } from '../../../pipelines/stages/recipe.ts'
import { aReject, aTask } from '../../records.ts'
import { aRecipe, openStageRun } from '../stages/stage-run.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const PAIR: ShardKey = { stage: 'pair', shard: 'example' }
const SHARDS = ['0000', '0001']

// Both shards read all tasks, as those of `validate` do, and write one reject each.
const divided: Stage<Recipe> = {
  name: 'validate',
  version: 1,
  unit: 'tasks',
  tables: [evaluations, rejects],
  concurrency: () => 1,
  plan: () =>
    SHARDS.map((shard) => ({ stage: 'validate' as const, shard, config: null, external: null, inputs: [PAIR] })),
  async *run(context) {
    for await (const task of context.read(tasks)) context.log.info({ task: task.id })
    yield rowOf(rejects, aReject({ by: 'validate@1', reason: 'some_reason' }))
  },
}

test('the funnel counts rows that several shards read once, and what each wrote', async () => {
  const base = await temporaryFolder()
  const run = openStageRun(base, aRecipe())
  const rows = [aTask({ id: '1'.repeat(16) }), aTask({ id: '2'.repeat(16) })].map((task) => rowOf(tasks, task))
  await run.write(PAIR, rows, [tasks, kernels])
  await run.run(divided)
  const directories = workDirectory(base, run.recipe.name)
  await writeRunPlan(directories, [{ stage: 'validate', shards: [...SHARDS, '0002'] }])
  expect(await readFunnel(directories)).toMatchObject([
    {
      stage: 'validate',
      shards: 3,
      shardsDone: 2,
      read: { tasks: 2 },
      written: { rejects: 2 },
      rejected: [{ reason: 'validate@1:some_reason', count: 2 }],
    },
  ])
})

test('the funnel counts what is there now where only some shards had to run again', async () => {
  const base = await temporaryFolder()
  const run = openStageRun(base, aRecipe())
  const [first, second] = [aTask({ id: '1'.repeat(16) }), aTask({ id: '2'.repeat(16) })].map((task) =>
    rowOf(tasks, task),
  )
  if (first === undefined || second === undefined) throw new Error('two tasks were made')
  await run.write(PAIR, [first], [tasks, kernels])
  await run.run(divided)
  await run.write(PAIR, [first, second], [tasks, kernels])
  await run.run({ ...divided, plan: (...given) => divided.plan(...given).slice(0, 1) })
  const directories = workDirectory(base, run.recipe.name)
  await writeRunPlan(directories, [{ stage: 'validate', shards: SHARDS }])
  expect(await readFunnel(directories)).toMatchObject([{ shardsDone: 2, read: { tasks: 2 }, written: { rejects: 2 } }])
})
