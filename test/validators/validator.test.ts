import { mkdtemp, rm } from 'node:fs/promises'
import { readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Evaluation } from '../../pipelines/core/records/evaluation.ts'
import { findPython } from '../../validators/python-environment.ts'
import { questionOf, validatorOn } from '../../validators/validator.ts'
import { WorkerPool } from '../../validators/worker-pool.ts'
import { ENDS_BADLY, findTools, kernelFixtures, missingFor, settingsOf } from './kernel-fixtures.ts'
import type { ExpectedRow, KernelFixture } from './kernel-fixtures.ts'

const scratchFolder = await mkdtemp(join(tmpdir(), 'curate-test-'))
process.env['TMPDIR'] = scratchFolder
const cacheFolder = join(scratchFolder, 'cache')
const { python } = await findPython()
const tools = await findTools(python)
const hasGpu = tools['gpu'] !== null
const signal = new AbortController().signal
const pool = await WorkerPool.open({ python, workers: 1, cacheFolder, signal })
const screeningPool = await WorkerPool.open({ python, workers: 1, cacheFolder, signal, timesNothing: true })

afterAll(async () => {
  await Promise.all([pool.close(), screeningPool.close()])
  await rm(scratchFolder, { recursive: true, force: true })
})

describe('the verdict on', () => {
  for (const fixture of kernelFixtures()) {
    const missing = missingFor(fixture, tools)
    if (missing !== null) console.log(`${fixture.name} is skipped: it ${missing}`)
    test.skipIf(missing !== null)(fixture.name, async () => {
      const rows = await judge(fixture)
      expect(rows.map(({ workload_id }) => workload_id)).toEqual(fixture.request.task.workloads.map(({ id }) => id))
      for (const [index, row] of rows.entries()) expectRow(row, expectationOf(fixture, index))
      for (const { performance } of rows) expectBaselines(performance, fixture.expected.baselines)
      const speedups = rows.map(({ performance }) => performance?.speedup ?? 0)
      expect(Math.max(...speedups)).toBeLessThanOrEqual(fixture.expected.max_speedup ?? Infinity)
    })
  }
})

describe('the conversion of', () => {
  const cases = [
    { name: 'correct_row_scaling_cuda', source: 'kernels.cu', numKernels: 2 },
    { name: 'correct_row_centring_triton', source: 'kernels.ptx', numKernels: 3 },
  ]
  const canConvert = tools['nvcc'] !== null && tools['triton'] !== null
  test.skipIf(!canConvert).for(cases)('$name into kernels with a launch plan', async ({ name, source, numKernels }) => {
    const fixture = kernelFixtures().find((item) => item.name === name)
    if (fixture === undefined) throw new TypeError('its fixture is gone')
    const { rows, converted_rows, refusal, sources, agreement } = await pool.convert(
      questionOf(fixture.request, settingsOf(fixture)),
    )
    expect(refusal).toBeNull()
    expect(sources?.map(({ path }) => path)).toEqual([source, 'plan.json'])
    for (const [index, row] of converted_rows.entries()) {
      if (!hasGpu) expect([row.cause, row.build?.kernels.length], row.log).toEqual(['NO_GPU', numKernels])
      else expect([rows[index]?.status, row.status], row.log).toEqual(['PASSED', 'PASSED'])
    }
    expect(converted_rows).toHaveLength(fixture.expected.axes.length)
    if (hasGpu) expect(agreement?.num_calls).toBeGreaterThanOrEqual(fixture.expected.calls)
    else expect([rows, agreement]).toEqual([[], null])
  })
})

// In the order of judging: every name here was told right, so what is before one did not spoil it.
const judged: { name: string; seconds: Readonly<Record<string, number>> }[] = []
const starts = ({ seconds }: (typeof judged)[number]): boolean => (seconds['start_process'] ?? 0) > 0

describe('afterwards', () => {
  test('the judge has told how soon the next candidate could start', ({ skip }) => {
    const pairs = judged.map(({ name, seconds }, index) => ({
      name,
      seconds,
      next: judged.slice(index + 1).find(starts),
    }))
    const bad = pairs.filter(({ name, next }) => ENDS_BADLY.test(name) && next !== undefined)
    if (bad.length === 0) skip('nothing that ends badly was judged')
    for (const { name, seconds, next } of bad) {
      const [end, start] = [seconds['end_process'], next?.seconds['start_process']]
      console.log(`${name} took ${end ?? 0} s to be ended, ${next?.name} ${start ?? 0} s to be started`)
      expect(start, name).toBeGreaterThan(0)
    }
  })

  test('no process of any candidate is left', async () => {
    await Promise.all([pool.close(), screeningPool.close()])
    await expect.poll(() => processesIn(scratchFolder), { timeout: 10_000 }).toEqual([])
  })
})

// One judge for all kernels of a kind one after another: what one of them did must not change the next verdict.
async function judge(fixture: KernelFixture): Promise<Evaluation[]> {
  const isTimed = fixture.expected.mode !== 'screen'
  const validator = validatorOn(isTimed ? pool : screeningPool, settingsOf(fixture))
  const rows = await validator.evaluate(fixture.request)
  for (const { seconds } of validator.takeTimes()) judged.push({ name: fixture.name, seconds })
  return rows
}

function expectationOf({ expected }: KernelFixture, index: number): ExpectedRow {
  return { ...expected, ...expected.rows?.[index], ...(hasGpu ? expected.gpu : {}) }
}

function expectRow(row: Evaluation, expected: ExpectedRow): void {
  const { status, stage, cause, blame, proved_on } = row
  const wanted = {
    status: expected.status ?? status,
    stage: expected.stage === undefined ? stage : expected.stage,
    cause: expected.cause === undefined ? cause : expected.cause,
    blame: expected.blame === undefined ? blame : expected.blame,
    proved_on: expected.proved_on === undefined ? proved_on : expected.proved_on,
  }
  expect({ status, stage, cause, blame, proved_on }, row.log).toEqual(wanted)
  expect(row.log).toContain(expected.log ?? '')
  expect(row.log.slice(0, expected.log_begins?.length ?? 0)).toBe(expected.log_begins ?? '')
  if (expected.kernels !== undefined) expect(row.build?.kernels.map(({ name }) => name)).toEqual(expected.kernels)
  if (expected.timed !== null) expect(row.performance !== null).toBe(expected.timed ?? false)
  if (row.performance !== null) expect(row.performance.output_bytes).toBeGreaterThan(0)
  const found = new Map(row.checks.map(({ check, passed }) => [check.split('@')[0], passed]))
  for (const [check, passed] of Object.entries(expected.checks ?? {}))
    expect([check, found.get(check)]).toEqual([check, passed])
  expect(row.log).not.toContain(scratchFolder)
}

function expectBaselines(performance: Evaluation['performance'], wanted: readonly string[]): void {
  const measured = performance?.baselines?.filter(
    ({ speedup, speedup_ci_low }) => (speedup ?? 0) >= (speedup_ci_low ?? 1),
  )
  if (performance !== null) expect(measured?.map(({ baseline }) => baseline)).toEqual(wanted)
}

// Runners keep the command line of the process they were forked from, which names the folder that it works in.
function processesIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter((line) => line.includes(folder))
}
