import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { readManifest } from '../../../pipelines/core/manifest.ts'
import { kernels } from '../../../pipelines/core/records/kernel.ts'
import { readTable } from '../../../pipelines/core/table.ts'
import { driverConfig } from '../../../pipelines/engines/ray/job.ts'
import { openStorage } from '../../../pipelines/engines/ray/storage.ts'
import { countOrphans } from '../../crash-trial.ts'
import { pythonWith } from '../../python-package.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { plannedMining } from '../planned-mining.ts'

const SHARDS = 10
const DRIVER = join(packageRoot, 'pipelines', 'engines', 'ray', 'driver.py')
const TWO_NODES = join(import.meta.dirname, 'two_nodes.py')

test('on two nodes, one of them killed in the middle, every shard is there once and nothing is left running', async (context) => {
  const environment = await pythonWith('cluster')
  if ('missing' in environment) {
    context.skip(environment.missing)
    return
  }
  const base = await temporaryFolder()
  const { job, options } = await plannedMining(base, SHARDS)
  const { directories } = job
  const config = join(base, 'config.json')
  const places = (await openStorage(job.directories, null)).places(job)
  await writeFile(config, JSON.stringify({ ...driverConfig(job, options), ...places }))
  const { python } = environment
  const env = { ...environment.env, RAY_DISABLE_DOCKER_CPU_WARNING: '1', RAY_TMPDIR: await temporaryFolder() }
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
