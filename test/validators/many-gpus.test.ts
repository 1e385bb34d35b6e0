import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { CONTROL } from '../../validators/control.ts'
import { WorkerPool } from '../../validators/worker-pool.ts'
import { aCandidate, aTask, anEvaluation } from '../records.ts'
import { readyLine } from './scripted-judge.ts'

// Two GPUs that are names: the judges that sit there are scripts which speak the judge's protocol.
const scratchFolder = await mkdtemp(join(tmpdir(), 'curate-test-'))
afterAll(() => rm(scratchFolder, { recursive: true, force: true }))
const [FIRST, SECOND] = ['GPU-a', 'GPU-b']

describe('two GPUs', () => {
  test('both judge what is to be certified, on other seeds, and the row names them', async () => {
    const host = await aHost()
    const { rows, seconds } = await host.pool.evaluate(certify('x'))
    expect(rows[0]?.certified_on?.map(({ gpu }) => gpu).sort()).toEqual([FIRST, SECOND])
    const asked = [...(await host.asked(FIRST)), ...(await host.asked(SECOND))]
    expect(new Set(asked.map(({ settings }) => settings.seed)).size).toBe(2)
    expect(seconds).toEqual({ timing: 2 })
    await host.pool.close()
  })

  test('certify many at once, each question on either of them', async () => {
    const host = await aHost()
    const answers = await Promise.all(Array.from({ length: 9 }, (_, index) => host.pool.evaluate(certify(`${index}`))))
    expect(answers.map(({ rows }) => rows[0]?.certified_on?.length)).toEqual(answers.map(() => 2))
    expect([await host.asked(FIRST), await host.asked(SECOND)].map(({ length }) => length)).toEqual([9, 9])
    await host.pool.close()
  })

  test('refuse what is wrong on one of them', async () => {
    const host = await aHost()
    await host.judgesWrong(SECOND)
    const questions = ['x', 'y'].map((id) => certify(id))
    const answers = await Promise.all(questions.map((question) => host.pool.evaluate(question)))
    // Whichever of them was asked first.
    const causes = answers.map(({ rows }) => rows[0]?.cause)
    expect(causes.every((cause) => cause === 'NOT_REPRODUCED' || cause === 'WRONG_VALUE')).toBe(true)
    expect(await host.asked(SECOND)).toHaveLength(2)
    await host.pool.close()
  })

  test('are one when all judges of the other are taken out of use, and every question has its answer', async () => {
    const host = await aHost()
    await host.pool.evaluate(certify('before'))
    await host.isSick(FIRST)
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => host.pool.evaluate(certify(`${index}`))))
    expect(answers.map(({ rows }) => rows[0]?.status)).toEqual(answers.map(() => 'PASSED'))
    const told = answers.flatMap(({ rows }) => rows[0]?.checks.filter(({ check }) => check === 'second-gpu@1') ?? [])
    expect(told.map(({ passed, detail }) => [passed, detail])).toEqual(
      answers.map(() => [null, 'the other GPUs were taken out of use']),
    )
    const [warning, ...others] = host.pool.takeWarnings()
    expect([warning?.message, warning?.hint, others]).toEqual([expect.stringMatching(/^the device GPU-a was taken out of use: it hangs/), expect.stringContaining('other devices'), []]) // prettier-ignore
    const afterwards = (await host.asked(FIRST)).length
    await host.pool.evaluate(certify('after'))
    expect(await host.asked(FIRST)).toHaveLength(afterwards)
    await host.pool.close()
  })
})

describe('a GPU that is sick', () => {
  test('is left with all of its judges at once, and what it was asked is asked of the other', async () => {
    const host = await aHost()
    await host.isSick(FIRST)
    for (const id of ['x', 'y']) {
      const { rows } = await host.pool.evaluate({ ...CONTROL, task: { ...CONTROL.task, id } })
      expect(rows.map(({ status }) => status)).toEqual(['PASSED'])
    }
    // The first question, and the control.
    expect([await host.asked(FIRST), await host.asked(SECOND)].map(({ length }) => length)).toEqual([2, 2])
    await host.pool.close()
  })
})

describe('a GPU with too little memory', () => {
  test('is asked beside others, while these rest, and when they have ended, and never again', async () => {
    const host = await aHost()
    for (const gpu of [FIRST, SECOND]) await host.isFull(gpu)
    await expect(host.pool.evaluate(certify('x'))).rejects.toMatchObject({
      code: 'device_out_of_memory',
      retryable: true,
    })
    const asked = [...(await host.asked(FIRST)), ...(await host.asked(SECOND))]
    expect(asked.map(({ task }) => task.id)).toEqual(['x', 'x', 'x', 'control'])
    await host.pool.close()
  })
})

function certify(id: string): typeof CONTROL {
  return { ...CONTROL, task: { ...CONTROL.task, id }, settings: { ...CONTROL.settings, mode: 'certify' } }
}

// A pool with two judges on either GPU. A judge is a shell script, as a start of Python takes longer than the test.
async function aHost() {
  const folder = await mkdtemp(join(scratchFolder, 'host-'))
  const script = join(folder, 'python')
  await writeFile(script, `${judgeIn(folder).join('\n')}\n`, { mode: 0o755 })
  const gpus = [FIRST, SECOND].map((uuid) => ({ uuid, name: 'a GPU', driver: '1.0' }))
  const signal = new AbortController().signal
  const pool = await WorkerPool.open({ python: script, workers: 4, cacheFolder: join(folder, 'cache'), signal, gpus })
  return {
    pool,
    isFull: (gpu: string) => writeFile(join(folder, `full-${gpu}`), ''),
    judgesWrong: (gpu: string) => writeFile(join(folder, `wrong-${gpu}`), ''),
    isSick: (gpu: string) => writeFile(join(folder, `sick-${gpu}`), ''),
    async asked(gpu: string): Promise<(typeof CONTROL)[]> {
      const path = join(folder, `asked-${gpu}`)
      const lines = existsSync(path) ? (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '') : []
      return lines.map((line): typeof CONTROL => JSON.parse(line))
    },
  }
}

// It answers what was written for its GPU, and notes what it was asked.
function judgeIn(folder: string): string[] {
  const right = rowWith({ proved_on: 'gpu' })
  const wrong = rowWith({ status: 'INCORRECT_NUMERICAL', stage: 'compare', cause: 'WRONG_VALUE', blame: 'candidate' })
  const verdict = (row: object): string =>
    JSON.stringify({ type: 'verdict', nonce: 'NONCE', rows: [row], seconds: { timing: 1 }, self_timings: [] })
  const fault = (code: string, message: string): string =>
    JSON.stringify({ type: 'fault', nonce: 'NONCE', code, message })
  return [
    '#!/bin/sh',
    'gpu=$CUDA_VISIBLE_DEVICES',
    `printf '%s\\n' '${readyLine('cuda')}' >&4`,
    'while read -r line <&3; do',
    `  printf '%s\\n' "$line" >> ${folder}/asked-$gpu`,
    `  nonce=$(expr "$line" : '.*"nonce":"\\([0-9a-f]*\\)"')`,
    `  case $line in *'"task":{"id":"control"'*) control=yes ;; *) control=no ;; esac`,
    `  if [ -e ${folder}/sick-$gpu ]; then answer='${fault('device_unhealthy', 'it hangs')}'`,
    `  elif [ -e ${folder}/full-$gpu ] && [ $control = no ]; then answer='${fault('device_out_of_memory', 'no room')}'`,
    `  elif [ -e ${folder}/wrong-$gpu ]; then answer='${verdict(wrong)}'`,
    `  else answer='${verdict(right)}'; fi`,
    `  printf '%s\\n' "\${answer%%NONCE*}$nonce\${answer#*NONCE}" >&4`,
    'done',
  ]
}

function rowWith(fields: Parameters<typeof anEvaluation>[1]): object {
  const { candidate_id: _, task_id: __, validator: ___, ...row } = anEvaluation(aCandidate(aTask()), fields)
  return row
}
