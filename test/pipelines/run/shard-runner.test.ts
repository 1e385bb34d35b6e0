import { readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { silentLog } from '../../../pipelines/core/log.ts'
import { readManifest } from '../../../pipelines/core/manifest.ts'
import { Reject, rejects } from '../../../pipelines/core/records/reject.ts'
import type { ShardKey, ShardSpec, Stage, World } from '../../../pipelines/core/stage.ts'
import { defineTable, readTable, rowOf } from '../../../pipelines/core/table.ts'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import { retractShard } from '../../../pipelines/core/shard-commit.ts'
import { runShard } from '../../../pipelines/run/shard-runner.ts'
import type { PlannedWork } from '../../../pipelines/run/plan.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const Number_ = z.object({ id: z.string(), value: z.int() })
const numbers = defineTable('numbers', Number_)
const squares = defineTable('squares', Number_)
const WORLD: World = { sources: new Map(), files: new Map(), device: '' }

describe('a shard that finishes', () => {
  test('leaves its tables and a manifest that counts, hashes and names them', async () => {
    const base = await temporaryFolder()
    const manifest = await run(base, countTo(3))
    expect(manifest.counts).toEqual({ read: {}, written: { numbers: 3, rejects: 1 } })
    expect(manifest.reject_reasons).toEqual({ 'mine@1:is_zero': 1 })
    expect(manifest.outputs.map(({ path, num_rows }) => [path, num_rows])).toEqual([
      ['numbers.parquet', 3],
      ['rejects.parquet', 1],
    ])
    expect((await readdir(folder(base, 'mine'))).sort()).toEqual([
      'manifest.json',
      'numbers.parquet',
      'rejects.parquet',
    ])
  })

  test('writes the same bytes when it runs again', async () => {
    const base = await temporaryFolder()
    const first = await run(base, countTo(1000))
    const second = await run(base, countTo(1000))
    expect(second.output_hash).toBe(first.output_hash)
  })

  test('removes what an earlier run of it wrote and it did not', async () => {
    const base = await temporaryFolder()
    await run(base, countTo(3))
    await writeFile(join(folder(base, 'mine'), 'left-over.parquet'), 'old')
    await run(base, countTo(3))
    expect(await readdir(folder(base, 'mine'))).not.toContain('left-over.parquet')
  })
})

describe('a shard that fails', () => {
  test('leaves no file', async () => {
    const base = await temporaryFolder()
    const failing: TestStage = { ...countTo(3), async *run() { yield await Promise.reject(new Error('out of luck')) } } // prettier-ignore
    await expect(run(base, failing)).rejects.toThrow('out of luck')
    expect(await filesLeft(base)).toEqual([])
  })

  test('ends at the next row when it is interrupted', async () => {
    const base = await temporaryFolder()
    const interruption = new AbortController()
    const endless: TestStage = {
      ...countTo(0),
      async *run() {
        for (let value = 0; ; value += 1) {
          if (value === 5) interruption.abort(new Error('interrupted'))
          yield rowOf(numbers, { id: String(value), value })
        }
      },
    }
    await expect(run(base, endless, [], interruption.signal)).rejects.toThrow('interrupted')
    expect(await readManifest(folder(base, 'mine'))).toBeNull()
  })

  test('refuses a table that its stage does not declare', async () => {
    const base = await temporaryFolder()
    const wrong: TestStage = { ...countTo(0), async *run() { yield rowOf(squares, { id: 'a', value: 1 }) } } // prettier-ignore
    await expect(run(base, wrong)).rejects.toThrow('squares')
  })
})

describe('the input of a shard', () => {
  test('is the rows its input shards wrote, and is counted', async () => {
    const base = await temporaryFolder()
    await run(base, countTo(4))
    const manifest = await run(base, SQUARE, [{ stage: 'mine', shard: 'all' }])
    expect(manifest.counts).toEqual({ read: { numbers: 4 }, written: { squares: 4 } })
    const rows = await Array.fromAsync(readTable(squares, join(folder(base, 'pair'), 'squares.parquet')))
    expect(rows.map(({ value }) => value)).toEqual([1, 4, 9, 16])
  })

  test.each([
    ['truncated', async (path: string) => truncate(path, (await stat(path)).size - 10)],
    ['replaced by another file', async (path: string) => writeFile(path, 'PAR1 but not really PAR1')],
  ])('is refused by name when it was %s after it was written', async (_case, damage) => {
    const base = await temporaryFolder()
    await run(base, countTo(4))
    const path = join(folder(base, 'mine'), 'numbers.parquet')
    await damage(path)
    await expect(run(base, SQUARE, [{ stage: 'mine', shard: 'all' }])).rejects.toMatchObject({
      code: 'shard_corrupt',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('run the same command again'),
    })
  })

  test('is refused when it holds other rows than the table has', async () => {
    const base = await temporaryFolder()
    await run(base, countTo(4))
    const path = join(folder(base, 'mine'), 'rejects.parquet')
    await expect(Array.fromAsync(readTable(numbers, path))).rejects.toMatchObject({ code: 'foreign_table' })
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, 20))
    await expect(Array.fromAsync(readTable(rejects, path))).rejects.toMatchObject({ code: 'unreadable_parquet' })
  })
})

type TestStage = Stage<null>

function countTo(count: number): TestStage {
  return {
    name: 'mine',
    version: 1,
    unit: 'numbers',
    tables: [numbers],
    concurrency: () => 1,
    plan: () => [],
    async *run() {
      for (let value = 1; value <= count; value += 1) yield rowOf(numbers, { id: String(value), value })
      yield rowOf(rejects, Reject.parse({ record_id: '0', stage: 'mine', by: 'mine@1', reason: 'is_zero', detail: null, source: 'all' })) // prettier-ignore
    },
  }
}

const SQUARE: TestStage = {
  name: 'pair',
  version: 1,
  unit: 'numbers',
  tables: [squares],
  concurrency: () => 1,
  plan: () => [],
  async *run(context) {
    for await (const { id, value } of context.read(numbers)) yield rowOf(squares, { id, value: value * value })
  },
}

function folder(base: string, stage: ShardKey['stage']): string {
  return workDirectory(base, 'test').shard({ stage, shard: 'all' })
}

async function filesLeft(base: string): Promise<string[]> {
  const entries = await readdir(base, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

async function run(base: string, stage: TestStage, inputs: ShardKey[] = [], signal = new AbortController().signal) {
  const spec: ShardSpec = { stage: stage.name, shard: 'all', config: null, external: null, inputs }
  const work: PlannedWork = { ...spec, inputs, state: 'missing', reason: '', spec, configHash: '', inputHash: '' }
  const directories = workDirectory(base, 'test')
  const state = { recipe: null, recipeDirectory: base, world: WORLD, directories, log: silentLog, signal }
  await retractShard(directories, { ...work, stageVersion: stage.version })
  return runShard(stage, work, state, undefined, { expect: () => undefined, advance: () => undefined })
}
