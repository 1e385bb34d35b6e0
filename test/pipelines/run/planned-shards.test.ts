import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadRecipe } from '../../../pipelines/config/load-recipe.ts'
import type { RunEvent } from '../../../pipelines/core/events.ts'
import { readManifest } from '../../../pipelines/core/manifest.ts'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import { local } from '../../../pipelines/engines/local.ts'
import { writePlanOf } from '../../../pipelines/run/plan-writing.ts'
import { openPlannedShards } from '../../../pipelines/run/planned-shards.ts'
import { commitAttempt, finishedShard, openAttempt } from '../../../pipelines/core/shard-commit.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { SMALL, contentsOf } from '../cli/small-run.ts'

const MINE = { stage: 'mine', shard: 'library' } as const

describe('a shard of a plan', () => {
  test('that two machines run at once is committed once, and both say what counts', async () => {
    const { base, path } = await planned()
    const [first, second] = await Promise.all([runShard(path), runShard(path)])
    const manifest = await readManifest(workDirectory(base, 'small').shard(MINE))
    expect(manifest).toMatchObject({
      engine: 'ray',
      plan_hash: await planHash(path),
      counts: { written: { kernels: 2 } },
    })
    expect([first, second].map(({ ok }) => ok)).toEqual([true, true])
    expect([first, second].map(attemptOf)).toEqual([manifest?.attempt, manifest?.attempt])
    expect(await filesIn(join(base, 'small', 'attempts'))).toEqual([])
  })

  test('that is there already is not run again', async () => {
    const { base, path } = await planned()
    const first = await runShard(path)
    const before = await contentsOf(join(base, 'small', 'mine'))
    const second = await runShard(path)
    expect(attemptOf(second)).toBe(attemptOf(first))
    expect(second.events.some(({ type }) => type === 'progress')).toBe(false)
    expect(await contentsOf(join(base, 'small', 'mine'))).toEqual(before)
  })

  test('replaces what an earlier plan left in its place', async () => {
    const { base, path } = await planned()
    const folder = workDirectory(base, 'small').shard(MINE)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'kernels.parquet'), 'of an earlier plan')
    await writeFile(join(folder, 'left-over.parquet'), 'of an earlier plan')
    expect((await runShard(path)).ok).toBe(true)
    expect((await readdir(folder)).toSorted()).toEqual(['kernels.parquet', 'manifest.json', 'rejects.parquet'])
  })

  test('that the plan does not know fails by name, and nothing is written', async () => {
    const { base, path } = await planned()
    const { ok, events } = await runShard(path, 'libary')
    expect(ok).toBe(false)
    expect(events).toMatchObject([
      { type: 'shard_failed', shard: 'libary', error: { hint: 'Its shards are: library.' } },
    ])
    expect(existsSync(join(base, 'small', 'mine'))).toBe(false)
  })
})

describe('a plan', () => {
  test('that was changed after it was written is refused', async () => {
    const { path } = await planned()
    await writeFile(path, (await readFile(path, 'utf8')).replace('"max_files": 100000', '"max_files": 1'))
    await expect(runShard(path)).rejects.toMatchObject({
      code: 'bad_plan',
      message: expect.stringContaining('changed'),
    })
  })

  test('of another version of curate, or none at all, is refused with what to do', async () => {
    const { path } = await planned()
    await writeFile(path, '{')
    await expect(runShard(path)).rejects.toMatchObject({
      code: 'bad_plan',
      hint: expect.stringContaining('curate plan'),
    })
  })
})

describe('a try', () => {
  test('that comes second, even after a pause, gives way to the first and leaves nothing', async () => {
    const { base, path } = await planned()
    await runShard(path)
    const directories = workDirectory(base, 'small')
    const winner = await readManifest(directories.shard(MINE))
    if (winner === null) throw new Error('no shard')
    const wanted = { ...MINE, configHash: winner.config_hash, inputHash: winner.input_hash, stageVersion: winner.stage_version } // prettier-ignore
    const late = await openAttempt(directories, MINE)
    await cp(directories.shard(MINE), late.directory, { recursive: true })
    const before = await contentsOf(directories.shard(MINE))
    expect(await commitAttempt(late, directories, wanted, { ...winner, attempt: late.id })).toEqual(winner)
    expect(await contentsOf(directories.shard(MINE))).toEqual(before)
    expect(existsSync(late.directory)).toBe(false)
    await rm(join(directories.shard(MINE), 'rejects.parquet'))
    expect(await finishedShard(directories, wanted)).toBeNull()
  })
})

async function planned(): Promise<{ base: string; path: string }> {
  const base = await temporaryFolder()
  const request = {
    loaded: await loadRecipe(SMALL),
    baseDirectory: base,
    stages: ['mine' as const],
    force: [],
    update: false,
    engine: { plugin: local, options: {}, isNamed: true },
    signal: new AbortController().signal,
    emit: () => undefined,
    ask: async () => null,
  }
  const { path, shards } = await writePlanOf(request, 'mine')
  expect(shards).toEqual([{ shard: 'library', index: 0 }])
  return { base, path }
}

async function runShard(path: string, shard = 'library'): Promise<{ ok: boolean; events: RunEvent[] }> {
  const events: RunEvent[] = []
  const options = {
    engine: 'ray',
    scratch: '',
    emit: (event: RunEvent) => events.push(event),
    signal: new AbortController().signal,
  }
  const session = await openPlannedShards(path, { ...options, emit: (event) => void options.emit(event) })
  try {
    return { ok: await session.run(shard), events }
  } finally {
    await session.close()
  }
}

function attemptOf({ events }: { events: readonly RunEvent[] }): string | null | undefined {
  return events.flatMap((event) => (event.type === 'shard_finished' ? [event.manifest.attempt] : []))[0]
}

async function planHash(path: string): Promise<unknown> {
  const { plan_hash }: { plan_hash: unknown } = JSON.parse(await readFile(path, 'utf8'))
  return plan_hash
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}
