import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openObjectStore } from '../../../pipelines/core/object-store.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { startProcess } from '../../../pipelines/core/process.ts'
import type { RunningProcess } from '../../../pipelines/core/process.ts'
import { readManifest } from '../../../pipelines/core/manifest.ts'
import { openShardStore } from '../../../pipelines/core/shard-store.ts'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import { readJobProgress } from '../../../pipelines/engines/ray/job-record.ts'
import { openStorage } from '../../../pipelines/engines/ray/storage.ts'
import { openPlannedShards } from '../../../pipelines/run/planned-shards.ts'
import { pythonWith } from '../../python-package.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { contentsOf } from '../cli/small-run.ts'
import { plannedMining } from '../planned-mining.ts'

// A real server that speaks S3, in a process of its own.
let server: RunningProcess | null = null
let missing = ''
const before = { ...process.env }
beforeAll(async () => {
  const environment = await pythonWith('object-store')
  if ('missing' in environment) {
    missing = environment.missing
    return
  }
  const script = join(packageRoot, 'test', 'fixtures', 'object-store', 'serve.py')
  server = startProcess(environment.python, ['-B', script], { env: environment.env })
  const address = `http://127.0.0.1:${await portOf(server)}`
  Object.assign(process.env, { AWS_ENDPOINT_URL: address, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'us-east-1' }) // prettier-ignore
  expect((await fetch(`${address}/shards`, { method: 'PUT' })).ok).toBe(true)
}, 240_000)
afterAll(async () => {
  process.env = before
  server?.stop()
  await server?.result
})

describe('an object store', () => {
  test('takes the first of conditional writes at the same moment, and says so to the others', async (context) => {
    if (server === null) return context.skip(missing)
    const store = await openObjectStore('s3://shards/once')
    const texts = ['a', 'b', 'c', 'd']
    const told = await Promise.all(texts.map((text) => store.writeOnce('manifest.json', text)))
    const winners = texts.filter((_, index) => told[index])
    expect(winners).toHaveLength(1)
    expect(await store.read('manifest.json')).toBe(winners[0])
    expect(await store.writeOnce('manifest.json', 'e')).toBe(false)
    expect(await store.read('manifest.json')).toBe(winners[0])
    expect(await store.read('nothing.json')).toBeNull()
    return undefined
  })

  test('that is not there is named, with where to look', async (context) => {
    if (server === null) return context.skip(missing)
    const store = await openObjectStore('s3://other-bucket/x')
    await expect(store.write('a', 'b')).rejects.toMatchObject({
      code: 'object_store',
      message: expect.stringContaining('s3://other-bucket/x: NoSuchBucket'),
      hint: expect.stringContaining('AWS_ENDPOINT_URL'),
    })
    await expect(openObjectStore('s3:/bucket')).rejects.toMatchObject({ code: 'usage' })
    return undefined
  })
})

test('shards of a plan go to machines that share nothing but an object store, are committed once, and come back', async (context) => {
  if (server === null) return context.skip(missing)
  const { base, job } = await plannedMining(await temporaryFolder(), 2)
  const storage = await openStorage(job.directories, 's3://shards/run')
  await storage.send(job)
  const [, plan = ''] = storage.places(job).arguments
  expect(plan).toBe('s3://shards/run/many/plans/mine.json')
  const nodes = [await temporaryFolder(), await temporaryFolder()]
  // Both machines run both shards: of each pair of tries one counts.
  const told = await Promise.all(nodes.map((scratch) => runAll(plan, scratch)))
  expect(told[0]).toEqual(told[1])
  expect(Object.keys(told[0] ?? {})).toEqual(['library-0', 'library-1'])
  for (const shard of job.shards) {
    const manifest = await storage.fetch({ stage: 'mine', shard })
    expect(manifest.attempt).toBe(told[0]?.[shard])
    expect(await readManifest(job.directories.shard({ stage: 'mine', shard }))).toEqual(manifest)
  }
  const shards = openShardStore(await openObjectStore('s3://shards/run'), job.directories, 'many')
  const [shard = ''] = job.shards
  const content = await contentsOf(job.directories.shard({ stage: 'mine', shard }))
  await rm(job.directories.shard({ stage: 'mine', shard }), { recursive: true })
  await shards.pull({ stage: 'mine', shard })
  expect(await contentsOf(job.directories.shard({ stage: 'mine', shard }))).toEqual(content)
  // What a driver says of its job is there for whoever asks for the status, until there is another job.
  const record = { submission_id: 'j', address: 'http://head', store: 's3://shards/run', stage: 'mine', plan_hash: '', submitted_at: '' } as const // prettier-ignore
  const progress = { shards: 2, finished: 1, failed: 0, retried: 0, running: {}, updated_at: 'now' }
  expect(await readJobProgress(job.directories.root, record)).toBeNull()
  const planned = await openPlannedShards(plan, { engine: 'ray', scratch: base, signal: job.signal, emit: job.emit })
  await planned.publish(JSON.stringify(progress))
  await planned.close()
  expect(await readJobProgress(job.directories.root, record)).toEqual(progress)
  // What is to be made again is: by the machines that have it as well.
  await storage.send({ ...job, isForced: true })
  const again = await runAll(plan, nodes[0] ?? '')
  expect(Object.keys(again)).toEqual(['library-0', 'library-1'])
  for (const shard of job.shards) expect(again[shard]).not.toBe(told[0]?.[shard])
  expect(await readJobProgress(job.directories.root, record)).toBeNull()
  // A machine that comes later has nothing to do.
  const late = await temporaryFolder()
  expect(await runAll(plan, late)).toEqual(again)
  expect(await readdir(join(base, 'work', 'many', 'mine'))).toHaveLength(2)
  return undefined
}, 60_000)

async function runAll(plan: string, scratch: string): Promise<Record<string, string | null>> {
  const counted: Record<string, string | null> = {}
  const planned = await openPlannedShards(plan, {
    engine: 'ray',
    scratch,
    signal: new AbortController().signal,
    emit(event) {
      if (event.type === 'shard_finished') counted[event.shard] = event.manifest.attempt
    },
  })
  try {
    for (const shard of planned.shards) expect(await planned.run(shard)).toBe(true)
  } finally {
    await planned.close()
  }
  expect(await readdir(join(workDirectory(scratch, 'many').root, 'mine'))).toHaveLength(2)
  return counted
}

// It listens when it says where: however long its start takes on a busy machine, there is nothing to guess.
async function portOf({ output, result }: RunningProcess): Promise<string> {
  let told = ''
  for await (const chunk of output) {
    told += chunk.toString('utf8')
    if (told.endsWith('\n')) return told.trim()
  }
  throw new Error(`the server has ended: ${(await result).stderr}`)
}
