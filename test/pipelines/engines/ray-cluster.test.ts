import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { readManifest } from '../../../pipelines/core/manifest.ts'
import { kernels } from '../../../pipelines/core/records/kernel.ts'
import { readTable } from '../../../pipelines/core/table.ts'
import type { WorkDirectory } from '../../../pipelines/core/work-directory.ts'
import { driverConfig } from '../../../pipelines/engines/ray/job.ts'
import { openStorage } from '../../../pipelines/engines/ray/storage.ts'
import { countOrphans } from '../../crash-trial.ts'
import { pythonWith } from '../../python-package.ts'
import { plannedMining } from '../planned-mining.ts'

const SHARDS = 7
const DRIVER = join(packageRoot, 'pipelines', 'engines', 'ray', 'driver.py')
const TWO_NODES = join(import.meta.dirname, 'two_nodes.py')
const STAND_IN = join(packageRoot, 'test', 'fixtures', 'shard-program')

// A cluster takes its time to start: both tests look at what two drivers said on one.
let base = ''
let seen: { directories: WorkDirectory; sick: string; killed: string } | null = null
let missing = ''
beforeAll(async () => {
  const environment = await pythonWith('cluster')
  if ('missing' in environment) {
    missing = environment.missing
    return
  }
  base = await mkdtemp(join(tmpdir(), 'curate-test-'))
  const { job, options } = await plannedMining(base, SHARDS)
  const killed = join(base, 'killed.json')
  const places = (await openStorage(job.directories, null)).places(job)
  await writeFile(killed, JSON.stringify({ ...driverConfig(job, options), ...places }))
  const sick = join(base, 'sick.json')
  await cp(STAND_IN, join(base, 'program'), { recursive: true })
  await mkdir(join(base, 'program', 'node_modules'))
  await writeFile(sick, JSON.stringify({
    ...driverConfig({ ...job, shards: ['a', 'b', 'dies', 'c', 'built'] }, options),
    package: join(base, 'program'),
    builds_for: 'sm_90',
    arguments: ['--plan', base],
    progress_file: join(base, 'progress.json'),
  })) // prettier-ignore
  const env = { ...environment.env, RAY_DISABLE_DOCKER_CPU_WARNING: '1', RAY_TMPDIR: base }
  const done = await runProcess(environment.python, [TWO_NODES, DRIVER, sick, killed], { env, timeoutMs: 220_000 })
  expect(done.ok, done.stderr + done.stdout).toBe(true)
  const [first = '', second = ''] = done.stdout.split('{"driver": "ended"}\n')
  seen = { directories: job.directories, sick: first, killed: second }
}, 240_000)
afterAll(() => rm(base, { recursive: true, force: true }))

test('a station whose machine fails twice gets nothing more, others do its work, and free cores compile ahead of them', async (context) => {
  if (seen === null) return context.skip(missing)
  const lines = eventsOf(seen.sick)
  const sick = lines[0]?.['sick']
  const finished = lines.filter(({ type }) => type === 'shard_finished')
  expect(finished.map(({ shard = '' }) => shard).toSorted(compareText)).toEqual(['a', 'b', 'built', 'c', 'dies'])
  expect(finished.filter(({ node_id }) => node_id === sick)).toEqual([])
  const warnings = lines.flatMap(({ type, message }) => (type === 'warning' ? [message] : []))
  expect(
    warnings.filter((text) => /^a station on \S+ gets nothing more: it computes wrong$/.test(text ?? '')),
  ).toHaveLength(1)
  expect(warnings).toContainEqual(expect.stringMatching(/^mine\/\w+ was lost: on \S+, it computes wrong$/))
  expect(warnings).toContainEqual(expect.stringMatching(/^mine\/\w+ was lost: on \S+, its process ended with 3/))
  expect(warnings).toContainEqual(expect.stringMatching(/^mine\/dies was lost: on \S+, its process ended with 4/))
  const ahead = (await readFile(join(base, 'ahead'), 'utf8')).trimEnd().split('\n')
  expect(ahead).toContain('sm_90 built 1')
  expect(new Set(ahead).size).toBe(ahead.length)
  expect(JSON.parse(await readFile(join(base, 'progress.json'), 'utf8'))).toMatchObject({ shards: 5, finished: 5, failed: 0, retried: 3, running: {} }) // prettier-ignore
  return undefined
})

test('on two nodes, one of them killed in the middle, every shard is there once and nothing is left running', async (context) => {
  if (seen === null) return context.skip(missing)
  const { directories, killed: stdout } = seen
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
  const told = eventsOf(stdout).filter(({ type }) => type === 'shard_finished')
  expect(told.map(({ shard = '' }) => shard).toSorted(compareText)).toEqual(shards)
  expect(new Set(told.map(({ node_id }) => node_id))).toEqual(new Set([killed, expect.any(String)]))
  expect(await countOrphans(base)).toBe(0)
  return undefined
})

function eventsOf(text: string): Partial<Record<string, string>>[] {
  return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : 1
}
