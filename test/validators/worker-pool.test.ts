import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { CONTROL } from '../../validators/control.ts'
import { listGpus } from '../../validators/gpu-list.ts'
import { findPython } from '../../validators/python-environment.ts'
import { WorkerPool } from '../../validators/worker-pool.ts'
import { readyLine } from './scripted-judge.ts'

// Killing is real: judges are found by the folder in their command line and get SIGKILL.
const scratchFolder = await mkdtemp(join(tmpdir(), 'curate-test-'))
process.env['TMPDIR'] = scratchFolder
const { python } = await findPython()
afterAll(() => rm(scratchFolder, { recursive: true, force: true }))

describe('a pool of judges', () => {
  test('answers many questions, and one whose judge is killed meanwhile, right', async () => {
    const pool = await openPool()
    try {
      const questions = Array.from({ length: 3 }, (_, index) => ({
        ...CONTROL,
        task: { ...CONTROL.task, id: `task-${index % 2}` },
      }))
      const rows = await Promise.all(questions.map((question) => pool.evaluate(question)))
      expect(rows.flatMap((judged) => judged.rows).map(({ status }) => status)).toEqual(questions.map(() => 'PASSED'))
      const answer = pool.evaluate(slowQuestion('once'))
      await killJudge()
      expect((await answer).rows.map(({ status }) => status)).toEqual(['PASSED'])
    } finally {
      await pool.close()
    }
    await expect.poll(() => processesIn(scratchFolder), { timeout: 10_000 }).toEqual([])
  })

  test('says that the machine failed when the judge is killed again and again', async () => {
    const pool = await openPool()
    const controller = new AbortController()
    const answer = pool.evaluate(slowQuestion('again'))
    const killing = killJudges(controller.signal).catch(() => {})
    try {
      await expect(answer).rejects.toMatchObject({ name: 'CurateError', code: 'worker_lost', retryable: true })
    } finally {
      controller.abort()
      await killing
      await pool.close()
    }
  })

  test('asks elsewhere what it asked of a device that turned out to be sick, and says so', async () => {
    const pool = await WorkerPool.open({ ...(await sickAtFirst(2)), workers: 2 })
    try {
      expect((await pool.evaluate(CONTROL)).rows.map(({ status }) => status)).toEqual(['PASSED'])
      const [warning] = pool.takeWarnings()
      expect(warning?.message).toMatch(/taken out of use: it hangs$/)
      expect(warning?.hint).toContain('other devices')
    } finally {
      await pool.close()
    }
  })

  test('shows a question that was the end of two devices to no third one', async () => {
    const pool = await WorkerPool.open({ ...(await sickAtFirst(4)), workers: 3 })
    await expect(pool.evaluate(CONTROL)).rejects.toMatchObject({ code: 'device_unhealthy', retryable: true })
    await pool.close()
  })

  test('fails as a machine when no device is left', async () => {
    const pool = await WorkerPool.open({ ...(await sickAtFirst(9)), workers: 1 })
    const answers = await Promise.allSettled([CONTROL, CONTROL].map((question) => pool.evaluate(question)))
    const failed = {
      status: 'rejected',
      reason: expect.objectContaining({ code: 'device_unhealthy', retryable: true }),
    }
    expect(answers).toEqual([failed, failed])
    expect(pool.takeWarnings().map(({ hint }) => hint)).toEqual([expect.stringContaining('No device is left')])
    await pool.close()
  })

  test('asks once more, with nobody else on the GPU, what found too little memory beside others', async () => {
    const options = await hoardingJudges()
    const pool = await WorkerPool.open({ ...options, workers: 2 })
    const small = { ...CONTROL, task: { ...CONTROL.task, id: 'small' } }
    const large = { ...CONTROL, task: { ...CONTROL.task, id: 'large' } }
    await Promise.all([small, small].map((question) => expect(pool.evaluate(question)).rejects.toThrow('judged')))
    expect(readdirSync(options.held)).toHaveLength(2)
    await expect(pool.evaluate(large)).rejects.toThrow('judged')
    expect(readdirSync(options.held)).toHaveLength(1)
    await pool.close()
  })

  test('ends no judge for it where it was enough that the others had nothing to do', async () => {
    const options = await hoardingJudges()
    const pool = await WorkerPool.open({ ...options, workers: 1 })
    const question = { ...CONTROL, task: { ...CONTROL.task, id: 'crowded once' } }
    await expect(pool.evaluate(question)).rejects.toThrow('judged')
    expect(readdirSync(options.starts)).toHaveLength(1)
    await pool.close()
  })

  test('judges nothing without a GPU where it was given one', async (context) => {
    if ((await listGpus()).length > 0) return context.skip('there is a GPU')
    vi.stubEnv('CURATE_GPUS', '1')
    await expect(openPool()).rejects.toMatchObject({ code: 'device_unhealthy', retryable: true })
    vi.stubEnv('CURATE_GPUS', '0')
    await (await openPool()).close()
    vi.unstubAllEnvs()
    return undefined
  })

  test('starts no judge once it was closed', async () => {
    const pool = await openPool()
    const waiting = expect(pool.evaluate(slowQuestion('late'))).rejects.toMatchObject({ code: 'validator_closed' })
    await pool.close()
    await waiting
    await expect(pool.evaluate(CONTROL)).rejects.toMatchObject({ code: 'validator_closed' })
    await expect.poll(() => processesIn(scratchFolder), { timeout: 10_000 }).toEqual([])
  })

  test('gives up at once when it is told to, and leaves nothing behind', async () => {
    const controller = new AbortController()
    const pool = await openPool(controller.signal)
    const answer = pool.evaluate(slowQuestion('never'))
    await judgeAtWork()
    controller.abort(new Error('stop'))
    await expect(answer).rejects.toThrow('stop')
    await pool.close()
    await expect.poll(() => processesIn(scratchFolder), { timeout: 10_000 }).toEqual([])
  })

  test('asks nothing of a judge that it was starting when it was told to give up', async () => {
    const controller = new AbortController()
    const pool = await openPool(controller.signal)
    const answer = pool.evaluate(slowQuestion('not asked'))
    const refused = expect(answer).rejects.toThrow('stop')
    await expect.poll(() => processesIn(scratchFolder).some(isJudge), { interval: 10 }).toBe(true)
    controller.abort(new Error('stop'))
    await refused
    await pool.close()
    await expect.poll(() => processesIn(scratchFolder), { timeout: 10_000 }).toEqual([])
  })
})

function openPool(signal = new AbortController().signal): Promise<WorkerPool> {
  return WorkerPool.open({ python, workers: 1, cacheFolder: join(scratchFolder, 'cache'), signal })
}

// Python as a script: as many starts find that their device is sick, then it is what it seems.
async function sickAtFirst(count: number) {
  const folder = await mkdtemp(join(scratchFolder, 'sick-'))
  const script = join(folder, 'python')
  const said = JSON.stringify({ type: 'failed', code: 'device_unhealthy', message: 'it hangs' })
  const lines = [
    '#!/bin/sh',
    `echo >>${folder}/starts`,
    `[ $(wc -l <${folder}/starts) -gt ${count} ] && exec ${python} "$@"`,
    `echo '${said}' >&4`,
    'exit 1',
  ]
  await writeFile(script, `${lines.join('\n')}\n`, { mode: 0o755 })
  const signal = new AbortController().signal
  return { python: script, cacheFolder: join(scratchFolder, 'cache'), signal }
}

// Python as a program that says it is a judge: each keeps memory of its last task, and a large one needs all of it. What it says
// of a task that it has judged is a failure, which is told and not asked again.
async function hoardingJudges() {
  const folder = await mkdtemp(join(scratchFolder, 'hoard-'))
  const [script, held, starts] = [join(folder, 'python'), join(folder, 'held'), join(folder, 'starts')]
  for (const place of [held, starts]) await mkdir(place)
  const lines = [
    '#!/bin/sh',
    `trap 'rm -f ${held}/$$' EXIT`,
    `: > ${starts}/$$`,
    `echo '${readyLine('cpu')}' >&4`,
    'while read -r line <&3; do',
    `  nonce=$(expr "$line" : '.*"nonce":"\\([0-9a-f]*\\)"')`,
    '  case $line in',
    `    *'"id":"large"'*) rm -f ${held}/$$; [ -n "$(ls ${held})" ] && code=device_out_of_memory || code=bad_request ;;`,
    `    *'"id":"crowded once"'*) [ -f ${folder}/asked ] && code=bad_request || code=device_out_of_memory; : > ${folder}/asked ;;`,
    '    *) code=bad_request ;;',
    '  esac',
    `  [ $code = bad_request ] && : > ${held}/$$`,
    `  echo "{\\"type\\":\\"fault\\",\\"nonce\\":\\"$nonce\\",\\"code\\":\\"$code\\",\\"message\\":\\"judged\\"}" >&4`,
    'done',
  ]
  await writeFile(script, `${lines.join('\n')}\n`, { mode: 0o755 })
  return { python: script, cacheFolder: join(folder, 'cache'), signal: new AbortController().signal, held, starts }
}

function slowQuestion(id: string): typeof CONTROL {
  const [source] = CONTROL.candidate.sources
  const content = (source?.content ?? '').replace('return x', 'import time; time.sleep(0.4); return x')
  return {
    ...CONTROL,
    task: { ...CONTROL.task, id },
    candidate: { ...CONTROL.candidate, sources: [{ path: 'candidate.py', content }] },
  }
}

async function killJudge(): Promise<void> {
  process.kill(await judgeAtWork(), 'SIGKILL')
}

async function killJudges(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) process.kill(await judgeAtWork(signal), 'SIGKILL')
}

// At work: below the judge and its fork server there are runners, one of which has been asked to sleep.
async function judgeAtWork(signal = new AbortController().signal): Promise<number> {
  for (;;) {
    signal.throwIfAborted()
    const found = processesIn(scratchFolder)
    const [judge] = found.filter(isJudge)
    if (judge !== undefined && found.length >= 8) return judge.pid
    await wait(20)
  }
}

interface Running {
  readonly pid: number
  readonly line: string
}

function isJudge({ line }: Running): boolean {
  return line.includes('__main__.py judge')
}

function processesIn(folder: string): Running[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return { pid: Number(name), line: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ') }
      } catch {
        return { pid: Number(name), line: '' }
      }
    })
    .filter(({ line }) => line.includes(folder))
}
