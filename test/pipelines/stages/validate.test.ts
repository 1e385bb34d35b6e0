import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { CurateError } from '../../../pipelines/core/errors.ts'
import { bucketOf } from '../../../pipelines/core/hash.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { evaluations } from '../../../pipelines/core/records/evaluation.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { taskId, tasks } from '../../../pipelines/core/records/task.ts'
import type { ShardKey, Stage } from '../../../pipelines/core/stage.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import type { Recipe } from '../../../pipelines/stages/recipe.ts'
import { validateStage } from '../../../pipelines/stages/validate.ts'
import type { EvaluationRequest, Validator } from '../../../validators/types.ts'
import { validatorSettings } from '../../../pipelines/stages/validator-settings.ts'
import { openValidator } from '../../../validators/validator.ts'
import { aCandidate, aReasoning, aTask, aWorkload } from '../../records.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aRecipe, filesUnder, openStageRun } from './stage-run.ts'
import type { StageRun } from './stage-run.ts'

const recipe = aRecipe({ validate: { shards: 2, mode: 'screen', calls: 2, timeout_s: 20, workers: 1 } })
const PAIR: ShardKey = { stage: 'pair', shard: 'example' }
const SHARDS: ShardKey[] = ['0000', '0001'].map((shard) => ({ stage: 'validate', shard }))

let opened: Validator | null = null
afterAll(() => opened?.close())

describe('validate', () => {
  test('puts whole tasks into a shard and depends on settings, validator and device', () => {
    const plan = validateStage.plan(recipe, worldOf('cpu'))
    expect(plan.map(({ shard }) => shard)).toEqual(['0000', '0001'])
    expect(plan[0]?.inputs).toEqual([PAIR])
    expect(plan[0]?.external).toBe('cpu')
    const other = aRecipe({ validate: { shards: 2, mode: 'standard', calls: 2, timeout_s: 20, workers: 1 } })
    expect(validateStage.plan(other, worldOf('cpu'))[0]?.config).not.toEqual(plan[0]?.config)
    const moreWorkers = aRecipe({ validate: { shards: 2, mode: 'screen', calls: 2, timeout_s: 20, workers: 7 } })
    expect(validateStage.plan(moreWorkers, worldOf('cpu'))[0]?.config).toEqual(plan[0]?.config)
  })

  test('judges every candidate once, in order of its id and of the workloads', async () => {
    const run = await openRun()
    const records = aDataset()
    await writePairs(run, records)
    await run.run(withValidator(await realValidator()))
    const rows = await readAll(run)
    expect(rows.map(({ status }) => status).sort()).toEqual([
      'INCORRECT_NUMERICAL',
      'INCORRECT_NUMERICAL',
      'PASSED',
      'PASSED',
    ])
    for (const [bucket, key] of SHARDS.entries()) {
      const shard = await run.read(evaluations, key)
      expect(shard.every(({ task_id }) => bucketOf(task_id, 2) === bucket)).toBe(true)
      const places = shard.map(({ candidate_id, workload_id }) => [candidate_id, workloadNumber(workload_id)].join())
      expect(places).toEqual([...places].sort())
    }
    const refused = (await Promise.all(SHARDS.map((key) => run.read(rejects, key)))).flat()
    expect(refused.map(({ record_id, reason }) => [record_id, reason])).toEqual([[records.orphan.id, 'task_missing']])
  })

  test('writes the same bytes again, from the verdicts it kept and from scratch', async () => {
    const [first, second] = [await openRun(), await openRun()]
    for (const run of [first, second]) await writePairs(run, aDataset())
    await first.run(withValidator(await realValidator()))
    const files = await filesOf(first)
    await first.run(withValidator(refusing(() => true, await realValidator())))
    expect(await filesOf(first)).toEqual(files)
    await second.run(withValidator(await realValidator()))
    expect(await filesOf(second)).toEqual(files)
  })

  test('shares a verdict between candidates that differ only in their reasoning', async () => {
    const run = await openRun()
    const { task, right } = aDataset()
    const again = aCandidate(task, { ...implementation('x + x'), reasoning: aReasoning(9) })
    const rows = [rowOf(tasks, task), rowOf(candidates, right), rowOf(candidates, again)]
    await run.write(PAIR, rows, [tasks, candidates])
    const asked: string[] = []
    await run.run(withValidator(counting(asked, await realValidator())))
    expect(new Set(asked).size).toBe(1)
    expect((await readAll(run)).map(({ candidate_id }) => candidate_id).sort()).toEqual(
      [right.id, right.id, again.id, again.id].sort(),
    )
  })

  test('keeps what was judged when the machine fails, and judges only the rest afterwards', async () => {
    const run = await openRun()
    const records = aDataset()
    await writePairs(run, records)
    const failing = refusing(({ candidate }) => candidate.id === records.wrong.id, await realValidator())
    await expect(run.run(withValidator(failing))).rejects.toMatchObject({ code: 'worker_lost', retryable: true })
    const asked: string[] = []
    await run.run(withValidator(counting(asked, await realValidator())))
    expect(asked).toContain(records.wrong.id)
    expect(await readAll(run)).toHaveLength(4)
    asked.length = 0
    await run.run(withValidator(counting(asked, await realValidator())))
    expect(asked).toEqual([])
  })

  test('writes the same bytes when its judge is killed in the middle', async () => {
    const [first, second] = [await openRun(), await openRun()]
    for (const run of [first, second]) await writePairs(run, aDataset())
    await first.run(withValidator(await realValidator()))
    const killed: number[] = []
    const killing = refusing(
      () => {
        if (killed.length === 0) killed.push(...killJudges())
        return false
      },
      await realValidator(),
    )
    await second.run(withValidator(killing))
    expect(killed.length).toBeGreaterThan(0)
    expect(await filesOf(second)).toEqual(await filesOf(first))
  })

  test('stops when it is told to', async () => {
    const run = await openRun()
    await writePairs(run, aDataset())
    run.abort.abort(new Error('enough'))
    await expect(run.run(withValidator(await realValidator()))).rejects.toThrow('enough')
  })
})

async function openRun(): Promise<StageRun> {
  return openStageRun(await temporaryFolder(), recipe)
}

function worldOf(device: string) {
  return { sources: new Map([['example', 'abc']]), files: new Map<string, string>(), device }
}

// One for all tests: what it says does not depend on what it was asked before.
async function realValidator(): Promise<Validator> {
  const settings = validatorSettings(recipe)
  const options = { workers: 1, cacheFolder: '/nonexistent', signal: new AbortController().signal }
  opened ??= await openValidator(settings, options)
  return opened
}

function withValidator(resource: Validator): Stage<Recipe> {
  const { name, version, unit, tables } = validateStage
  return {
    name,
    version,
    unit,
    tables,
    concurrency: () => 1,
    plan: (...given) => validateStage.plan(...given),
    run: (context) => validateStage.run({ ...context, resource }),
  }
}

function refusing(refuses: (request: EvaluationRequest) => boolean, validator: Validator): Validator {
  return {
    ...validator,
    async evaluate(request) {
      if (!refuses(request)) return validator.evaluate(request)
      throw new CurateError('worker_lost', 'the machine failed', { hint: 'Try again.', retryable: true })
    },
  }
}

// Judges of other tests are none of ours: ours are children of this process.
function killJudges(): number[] {
  const judges = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOurJudge(name))
  for (const pid of judges) process.kill(Number(pid), 'SIGKILL')
  return judges.map(Number)
}

function isOurJudge(pid: string): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return line.includes('__main__.py\0judge') && parent === String(process.pid)
  } catch {
    return false
  }
}

function counting(asked: string[], validator: Validator): Validator {
  return {
    ...validator,
    evaluate(request) {
      asked.push(request.candidate.id)
      return validator.evaluate(request)
    },
  }
}

function aDataset() {
  const content = { reference: REFERENCE, workloads: [aWorkload({}), aWorkload({ SIZE: '5' })] }
  const task = aTask({ ...content, id: taskId(content) })
  const right = aCandidate(task, implementation('x + x'))
  const wrong = aCandidate(task, implementation('x + 1'))
  const orphan = aCandidate({ id: '0123456789abcdef' }, implementation('x'))
  return { task, right, wrong, orphan }
}

async function writePairs(run: StageRun, { task, right, wrong, orphan }: ReturnType<typeof aDataset>): Promise<void> {
  const rows = [task, task].map((row) => rowOf(tasks, row))
  // The same candidate twice: two sources may hold the same text.
  const all = [wrong, right, orphan, right].map((row) => rowOf(candidates, row))
  await run.write(PAIR, [...rows, ...all], [tasks, candidates])
}

function implementation(expression: string) {
  const content = `import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        return ${expression}
`
  return { language: 'cpp', entry_point: 'candidate.py::ModelNew', sources: [{ path: 'candidate.py', content }] }
}

async function readAll(run: StageRun) {
  return (await Promise.all(SHARDS.map((key) => run.read(evaluations, key)))).flat()
}

async function filesOf(run: StageRun): Promise<unknown> {
  return await Promise.all(SHARDS.map((key) => filesUnder(join(run.folder(key)))))
}

function workloadNumber(id: string): number {
  return aDataset().task.workloads.findIndex((workload) => workload.id === id)
}

const REFERENCE = `import torch

SIZE = 64


class Model(torch.nn.Module):
    def forward(self, x):
        return x * 2


def get_inputs():
    return [torch.randn(SIZE)]


def get_init_inputs():
    return []
`
