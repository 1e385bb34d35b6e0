import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Recipe } from '../../../pipelines/stages/recipe.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { readManifest } from '../../../pipelines/core/manifest.ts'
import { kernels } from '../../../pipelines/core/records/kernel.ts'
import { readTable } from '../../../pipelines/core/table.ts'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import { RayOptions, driverConfig, ray } from '../../../pipelines/engines/ray.ts'
import { writePlanOf } from '../../../pipelines/run/plan-writing.ts'
import { countOrphans } from '../../crash-trial.ts'
import { rayEnvironment } from '../../ray-environment.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { DOUBLING_LIBRARY } from '../small-library.ts'

const SHARDS = 10
const DRIVER = join(packageRoot, 'pipelines', 'engines', 'ray', 'driver.py')
const TWO_NODES = join(import.meta.dirname, 'two_nodes.py')

test('on two nodes, one of them killed in the middle, every shard is there once and nothing is left running', async (context) => {
  const environment = await rayEnvironment()
  if ('missing' in environment) {
    context.skip(environment.missing)
    return
  }
  const base = await temporaryFolder()
  const directories = workDirectory(base, 'many')
  const config = await plannedOn(base)
  const { python, env } = environment
  const { ok, stdout, stderr } = await runProcess(python, [TWO_NODES, DRIVER, config], { env, timeoutMs: 200_000 })
  expect(ok, stderr).toBe(true)
  const [, killed] = /"killed": "(\w+)"/.exec(stdout) ?? []
  expect(stdout).toMatch(/"type": "warning", "message": "mine\/library-\d+ was lost: on /)

  const shards = (await readdir(join(directories.root, 'mine'))).toSorted()
  expect(shards).toEqual(Array.from({ length: SHARDS }, (_, index) => `library-${index}`))
  const folders = shards.map((shard) => directories.shard({ stage: 'mine', shard }))
  const manifests = await Promise.all(folders.map((folder) => readManifest(folder)))
  expect(new Set(manifests.map((manifest) => manifest?.attempt)).size).toBe(SHARDS)
  expect(manifests.every((manifest) => manifest?.engine === 'ray')).toBe(true)
  const ids = await Promise.all(folders.map((folder) => Array.fromAsync(readTable(kernels, join(folder, 'kernels.parquet')), ({ id }) => id))) // prettier-ignore
  expect(new Set(ids.flat()).size).toBe(SHARDS)
  expect(ids.flat()).toHaveLength(SHARDS)
  const told = [...stdout.matchAll(/"shard_finished".*?"shard": "([\w-]+)".*"node_id": "(\w+)"/g)]
  expect(told.map(([, shard = '']) => shard).toSorted(compareText)).toEqual(shards)
  expect(new Set(told.map(([, , node]) => node))).toEqual(new Set([killed, expect.any(String)]))
  expect(await countOrphans(base)).toBe(0)
}, 240_000)

function compareText(a: string, b: string): number {
  return a < b ? -1 : 1
}

async function plannedOn(base: string): Promise<string> {
  const sources = Array.from({ length: SHARDS }, (_, index) => ({
    id: `library-${index}`,
    folder: { path: join(base, 'sources', `library-${index}`) },
  }))
  for (const [index, { folder }] of sources.entries()) {
    await mkdir(folder.path, { recursive: true })
    await writeFile(join(folder.path, 'doubling.py'), DOUBLING_LIBRARY.replaceAll('2', String(index + 2)))
  }
  const recipe = Recipe.parse({ name: 'many', sources, mine: { languages: { triton: {} } }, filters: {}, export: { configs: {}, formats: {} } }) // prettier-ignore
  const options = RayOptions.parse({ package: 'shared', gpus: 1 })
  const request = {
    loaded: { recipe, path: join(base, 'many.yaml'), directory: base },
    baseDirectory: base,
    stages: ['mine' as const],
    force: [],
    update: false,
    engine: { plugin: ray, options, isNamed: true },
    signal: new AbortController().signal,
    emit: () => undefined,
    ask: async () => null,
  }
  const { path, shards } = await writePlanOf(request, 'mine')
  const directories = workDirectory(base, 'many')
  const job = {
    ...request,
    stage: 'mine' as const,
    shards: shards.map(({ shard }) => shard),
    isForced: false,
    concurrency: 1,
    planFile: path,
    planHash: '',
    runDirectory: directories.root,
    open: () => Promise.reject(new Error('nothing runs here')),
  }
  const config = join(base, 'config.json')
  await mkdir(join(directories.root, 'jobs'), { recursive: true })
  await writeFile(config, JSON.stringify(driverConfig(job, options)))
  return config
}
