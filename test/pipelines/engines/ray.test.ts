import { existsSync } from 'node:fs'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { unzipSync } from 'fflate'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import type { RunEvent } from '../../../pipelines/core/events.ts'
import { ray } from '../../../pipelines/engines/ray.ts'
import { RayOptions } from '../../../pipelines/engines/ray/options.ts'
import { openRayJobs } from '../../../pipelines/engines/ray/jobs.ts'
import { jobFiles, readJobRecord } from '../../../pipelines/engines/ray/job-record.ts'
import { packProgram, programHash } from '../../../pipelines/engines/ray/package.ts'
import type { StageJob } from '../../../pipelines/engines/types.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { writeShard } from './finished-shard.ts'
import { startRayHead } from './ray-head.ts'
import type { RayHead } from './ray-head.ts'

let head: RayHead | null = null
afterEach(async () => {
  await head?.close()
  head = null
})

describe('the client of a Ray head', () => {
  test('gets through where a browser is refused with 405', async () => {
    head = await startRayHead(() => undefined)
    const browser = await fetch(`${head.address}/api/packages/gcs/a.zip`, { method: 'PUT', body: 'zip' })
    expect([browser.status, await browser.text()]).toEqual([405, 'Method Not Allowed for browser traffic.'])
    const jobs = openRayJobs(head.address, null)
    await jobs.upload('a.zip', Buffer.from('zip'))
    expect(head.uploads).toEqual([{ name: 'a.zip', bytes: Buffer.from('zip') }])
    expect([await jobs.hasPackage('a.zip'), await jobs.hasPackage('b.zip')]).toEqual([true, false])
    expect(await jobs.version()).toBe('2.60.0')
    expect(await jobs.info('unknown')).toBeNull()
  })

  test('says in one line what Ray says in a traceback, such as that an id was used before', async () => {
    head = await startRayHead(() => undefined)
    const jobs = openRayJobs(head.address, null)
    const job = { submissionId: 'twice', entrypoint: 'true', workingDirectory: null, environment: {}, metadata: {} }
    await jobs.submit(job)
    await expect(jobs.submit(job)).rejects.toMatchObject({
      code: 'ray_refused',
      retryable: true,
      message: expect.stringMatching(/answered 500: ValueError: Job with submission_id twice already exists/),
    })
  })

  test('brings the token of the cluster, and says which one is missing', async () => {
    head = await startRayHead(() => undefined, 'secret')
    await expect(openRayJobs(head.address, null).version()).rejects.toMatchObject({
      hint: expect.stringContaining('RAY_AUTH_TOKEN'),
    })
    expect(await openRayJobs(head.address, 'secret').version()).toBe('2.60.0')
  })

  test('names the address where nobody answers', async () => {
    await expect(openRayJobs('http://127.0.0.1:9', null).version()).rejects.toMatchObject({
      code: 'ray_unreachable',
      message: expect.stringContaining('http://127.0.0.1:9'),
      retryable: true,
    })
  })
})

describe('a stage on a cluster', () => {
  test('is submitted with its plan, and what its driver prints are the events of the run', async () => {
    const { job, events } = await aJob()
    head = await startRayHead((started) => {
      started.logs = [
        '2026-11-21 INFO worker.py: Connected to Ray cluster.',
        line({ type: 'shard_started', shard: 'a' }),
        line({ type: 'progress', shard: 'a', done: 3, total: 9 }),
        line({ type: 'shard_finished', shard: 'a' }),
        line({ type: 'warning', message: 'mine/b was lost', hint: 'It runs again.' }),
        line({ type: 'shard_started', shard: 'b' }),
        line({ type: 'shard_started', shard: 'b' }),
        '',
      ].join('\n')
      setTimeout(() => {
        const error = { code: 'shard_lost', message: 'it was lost', hint: 'Look.', retryable: true }
        started.logs += `${line({ type: 'shard_failed', shard: 'b', error })}\n${line({ type: 'shard_finished', shard: 'strange' })}\n`
        started.status = 'SUCCEEDED'
      }, 100)
    })
    await writeShard(job.directories.root, 'a')
    expect(await run(job)).toEqual(['b'])
    expect(events.map((event) => [event.type, 'shard' in event ? event.shard : null])).toEqual([
      ['shard_started', 'a'],
      ['progress', 'a'],
      ['shard_finished', 'a'],
      ['warning', null],
      ['shard_started', 'b'],
      ['shard_failed', 'b'],
    ])
    const [submission] = head.submitted
    expect(submission?.entrypoint).toMatch(/^python3 \S+\/pipelines\/engines\/ray\/driver\.py \S+\.config\.json$/)
    expect(submission?.metadata).toMatchObject({ program: 'curate', stage: 'mine', plan_hash: 'p1' })
    expect(await readdir(join(job.directories.root, 'jobs'))).toEqual([])
  })

  test('that was left running is taken up again, and its events are told from the beginning', async () => {
    const { job, events } = await aJob()
    head = await startRayHead((started) => (started.logs = `${line({ type: 'shard_started', shard: 'a' })}\n`))
    const leaving = new AbortController()
    const left = run({ ...job, signal: leaving.signal, emit: () => leaving.abort() })
    expect(await left).toEqual([])
    const { record } = jobFiles(job.directories.root, 'mine')
    const id = (await readJobRecord(record))?.submission_id ?? ''
    expect([head.stopped, head.jobs.get(id)?.status]).toEqual([[], 'RUNNING'])
    await writeShard(job.directories.root, 'a')
    const started = head.jobs.get(id)
    setTimeout(() => {
      if (started === undefined) return
      started.logs += `${line({ type: 'shard_finished', shard: 'a' })}\n`
      started.status = 'SUCCEEDED'
    }, 100)
    // What became due since the job was begun is told as lost, and runs next time.
    expect(await run(job)).toEqual(['b'])
    expect(head.submitted).toHaveLength(1)
    expect(events.map(({ type }) => type)).toEqual(['warning', 'shard_started', 'shard_finished', 'shard_failed'])
    expect(existsSync(record)).toBe(false)
  }, 20_000)

  test('is stopped by Ctrl-C where the person at the terminal says so', async () => {
    const { job } = await aJob()
    head = await startRayHead((started) => (started.logs = `${line({ type: 'shard_started', shard: 'a' })}\n`))
    const interruption = new AbortController()
    const asked: string[] = []
    const ask = async (question: string) => {
      asked.push(question)
      return 'stop'
    }
    expect(await run({ ...job, signal: interruption.signal, emit: () => interruption.abort(), ask })).toEqual([])
    expect(asked).toEqual([expect.stringContaining('Stop it, or leave it running?')])
    expect(head.stopped).toEqual([head.submitted[0]?.submission_id])
    expect(existsSync(jobFiles(job.directories.root, 'mine').record)).toBe(false)
  })

  test('whose plan is older than the run’s is stopped before the new one begins', async () => {
    const { job } = await aJob()
    head = await startRayHead((started) => (started.logs = `${line({ type: 'shard_started', shard: 'a' })}\n`))
    const leaving = new AbortController()
    await run({ ...job, signal: leaving.signal, emit: () => leaving.abort() })
    const [first] = head.submitted
    const again = new AbortController()
    await run({ ...job, planHash: 'p2', signal: again.signal, emit: () => again.abort() })
    expect(head.stopped).toEqual([first?.submission_id])
    expect(head.submitted.map(({ metadata }) => metadata['plan_hash'])).toEqual(['p1', 'p2'])
  })

  test('goes on where the head is silent for a moment', async () => {
    const { job } = await aJob()
    head = await startRayHead((started) => {
      started.status = 'SUCCEEDED'
      if (head !== null) head.cut = 2
    })
    expect(await run({ ...job, emit: () => undefined })).toEqual(['a', 'b'])
    expect([head.submitted.length, head.cut]).toEqual([1, 0])
  }, 20_000)

  test('whose driver breaks stops the run with the driver’s last words', async () => {
    const { job } = await aJob()
    head = await startRayHead((started) => {
      started.logs = 'Traceback (most recent call last):\nModuleNotFoundError: No module named ray\n'
      started.status = 'FAILED'
    })
    await expect(run(job)).rejects.toMatchObject({
      code: 'ray_job_failed',
      retryable: true,
      message: expect.stringMatching(/ended as FAILED[^]*No module named ray/),
    })
  })

  test('that is not asked to run there runs here', async () => {
    const { job } = await aJob()
    const shards: string[] = []
    const open = async () => ({
      run: async (shard: string) => shards.push(shard) > 0,
      close: async () => undefined,
    })
    expect(await ray.run({ ...job, stage: 'filter', open }, RayOptions.parse({}))).toEqual([])
    expect(shards).toEqual(['a', 'b'])
  })
})

describe('the program that is sent', () => {
  test('holds everything that runs and nothing else, under a name that its content decides', async () => {
    const { name, uri, zip } = await packProgram()
    const names = Object.keys(unzipSync(zip))
    for (const needed of ['pipelines/launch.js', 'pipelines/engines/ray/driver.py', 'package-lock.json', 'filters/benchmarks/index.jsonl', 'validators/worker/curate_worker/__main__.py']) expect(names).toContain(needed) // prettier-ignore
    expect(names.filter((path) => /node_modules|\.venv|__pycache__|^test\//.test(path))).toEqual([])
    expect(uri).toBe(`gcs://${name}`)
    expect(name).toBe(`_ray_pkg_${await programHash()}.zip`)
    const elsewhere = await temporaryFolder()
    await cp(join(import.meta.dirname, '..', '..', '..', 'package.json'), join(elsewhere, 'package.json'))
    expect((await packProgram(elsewhere)).name).not.toBe(name)
  })

  test('is uploaded once, however many jobs run it', async () => {
    const { job } = await aJob()
    head = await startRayHead((started) => (started.status = 'SUCCEEDED'))
    for (let time = 0; time < 2; time += 1) {
      await ray.run(job, RayOptions.parse({ address: head.address }))
    }
    expect(head.uploads).toHaveLength(1)
    expect(head.submitted.map(({ runtime_env }) => runtime_env.working_dir)).toEqual(
      [0, 1].map(() => `gcs://${head?.uploads[0]?.name}`),
    )
    expect(head.submitted[0]?.entrypoint).toMatch(/^python3 pipelines\/engines\/ray\/driver\.py /)
  })
})

async function aJob(): Promise<{ job: StageJob; events: RunEvent[] }> {
  const directories = workDirectory(await temporaryFolder(), 'test')
  const events: RunEvent[] = []
  const job: StageJob = {
    stage: 'mine',
    shards: ['a', 'b'],
    isForced: false,
    concurrency: 2,
    planFile: directories.stagePlanFile('mine'),
    planHash: 'p1',
    directories,
    inputs: [],
    wanted: (shard) => ({ stage: 'mine', shard, configHash: '', inputHash: '', stageVersion: 1 }),
    signal: new AbortController().signal,
    emit: (event) => void events.push(event),
    open: () => Promise.reject(new Error('nothing runs here')),
    ask: async () => null,
  }
  return { job, events }
}

function run(job: StageJob): Promise<readonly string[]> {
  return ray.run(job, RayOptions.parse({ address: head?.address, package: 'shared' }))
}

function line(event: object): string {
  return JSON.stringify({ stage: 'mine', node: 'n1', ...event })
}
