import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunEvent } from '../../../pipelines/core/events.ts'
import { local } from '../../../pipelines/engines/local.ts'
import { planRun } from '../../../pipelines/run/preparation.ts'
import { run } from '../../../pipelines/run/run.ts'
import { Recipe } from '../../../pipelines/stages/recipe.ts'
import { makeRepository } from '../../extractors/sources/made-repository.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { COMPARING_TEST, DOUBLING_LIBRARY } from '../small-library.ts'

const FILES = (library: string) => [
  { name: 'doubling.py', content: library },
  { name: 'test_doubling.py', content: COMPARING_TEST },
]

/** Two repositories that are mined and paired, and what a run of them finishes. */
async function twoLibraries() {
  const [moving, still] = [await makeRepository('moving.git'), await makeRepository('still.git')]
  for (const repository of [moving, still]) await repository.commit(FILES(DOUBLING_LIBRARY))
  const sources = Object.entries({ moving, still }).map(([id, { directory }]) => ({ id, git: { url: directory } }))
  const recipe = Recipe.parse({
    name: 'two',
    sources,
    mine: { languages: { triton: {} } },
    pair: { methods: { 'test-comparison': {} }, prove: false },
    filters: {},
    export: { configs: {}, formats: {} },
  })
  const base = await temporaryFolder()
  const request = (update: boolean, emit: (event: RunEvent) => void = () => undefined) => ({
    loaded: { recipe, path: join(base, 'two.yaml'), directory: base },
    baseDirectory: join(base, 'work'),
    stages: ['mine' as const, 'pair' as const],
    force: [],
    update,
    engine: { plugin: local, options: local.options.parse({}), isNamed: false },
    signal: new AbortController().signal,
    emit,
    ask: async () => null,
  })
  return {
    moving,
    manifestOf: (shard: string) => stat(join(base, 'work', 'two', 'pair', shard, 'manifest.json')),
    due: async (update: boolean): Promise<string[]> => {
      const plan = await planRun(request(update))
      return plan.flatMap(({ shards }) =>
        shards.filter(({ state }) => state !== 'done').map(({ stage, shard }) => `${stage}/${shard}`),
      )
    },
    finished: async (update: boolean): Promise<string[]> => {
      const shards: string[] = []
      await run(
        request(
          update,
          (event) => void (event.type === 'shard_finished' && shards.push(`${event.stage}/${event.shard}`)),
        ),
      )
      return shards.toSorted()
    },
  }
}

test('a new commit of a source makes exactly its shards run, once somebody asks for it', async () => {
  const { moving, due, finished, manifestOf } = await twoLibraries()
  expect(await finished(false)).toEqual(['mine/moving', 'mine/still', 'pair/moving', 'pair/still'])
  const before = await manifestOf('still')
  await moving.commit(FILES(DOUBLING_LIBRARY.replaceAll('* 2', '* 2.0')), 'Double in floating point')
  expect(await due(false)).toEqual([])
  expect(await due(true)).toEqual(['mine/moving', 'pair/moving'])
  expect(await finished(true)).toEqual(['mine/moving', 'pair/moving'])
  expect(await finished(true)).toEqual([])
  expect((await manifestOf('still')).mtimeMs).toBe(before.mtimeMs)
})
