import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parseAnswer } from '../../../extractors/imports/answer.ts'
import { examplesDirectory } from '../../../extractors/sources/example-repository.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { describeParquet, readParquet } from '../../../pipelines/core/parquet.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import type { Candidate } from '../../../pipelines/core/records/candidate.ts'
import { selected } from '../../../pipelines/core/records/decision.ts'
import { evaluations } from '../../../pipelines/core/records/evaluation.ts'
import type { Evaluation } from '../../../pipelines/core/records/evaluation.ts'
import { kernels } from '../../../pipelines/core/records/kernel.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import type { Table } from '../../../pipelines/core/table.ts'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import { readRunTable } from '../../../pipelines/run/run-records.ts'
import { listGpus } from '../../../validators/gpu-list.ts'
import { findPython } from '../../../validators/python-environment.ts'
import { curate } from '../../curate-process.ts'
import type { CurateResult } from '../../curate-process.ts'
import { expectedOutcome } from '../../examples/expected-outcome.ts'
import { startHubServer } from '../../exports/hub-server.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const expected = expectedOutcome('rowwise-kernels')
let workDir = ''
let result: CurateResult
beforeAll(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'curate-quickstart-'))
  result = await curate(['quickstart', '--work-dir', workDir])
}, 600_000)
afterAll(() => rm(workDir, { recursive: true, force: true }))

describe('curate quickstart', () => {
  test('runs every stage, prints the funnel and where everything lies', async () => {
    expect(result.exitCode, result.stderr).toBe(0)
    for (const stage of ['mine', 'pair', 'generate', 'validate', 'filter', 'export']) {
      expect(result.stdout).toMatch(new RegExp(`^${stage} +(\\d)/\\1 `, 'm'))
    }
    expect(result.stdout).toContain('All shards are done.')
    const files = ['export/all/dataset/README.md', 'export/all/dataset/sft/train-00000-of-00001.parquet', 'report.html']
    for (const file of files.map((path) => join(workDir, 'quickstart', path))) {
      expect(result.stdout).toContain(file)
      expect((await stat(file)).size).toBeGreaterThan(1000)
    }
  })

  test('mines and pairs exactly the kernels of the expected outcome', async () => {
    const pairedWith = await tasksByEntryPoint()
    const found = (await read(kernels)).map(({ entry_point, language, role, license }) => {
      return { entry_point, language, role, license, task: pairedWith.get(entry_point) ?? null }
    })
    const listed = expected.kernels.map(({ entry_point, language, role, license, task }) => {
      return { entry_point, language, role, license, task }
    })
    expect(found.toSorted(byEntryPoint)).toEqual(listed.toSorted(byEntryPoint))
  })

  test('judges each mined candidate as the expected outcome says', async (context) => {
    if ((await listGpus()).length > 0) context.skip('the expected outcome is that of a machine without a GPU')
    const verdicts = await verdictsByCandidate()
    const entryPoints = new Map((await read(kernels)).map(({ id, entry_point }) => [id, entry_point]))
    const found = (await mined()).flatMap((candidate) =>
      candidate.kernel_ids.map((id) => [entryPoints.get(id), verdicts.get(candidate.id)] as const),
    )
    const judged = new Map(found)
    for (const { entry_point, status, proved_on, role } of expected.kernels) {
      if (role === 'helper') continue
      const verdict = judged.get(entry_point)
      const seen = { entry_point, status: verdict?.status ?? null, proved_on: verdict?.proved_on ?? null }
      expect(seen).toEqual({ entry_point, status, proved_on })
    }
  })

  test('takes in each model output, or refuses it, and judges it as the expected outcome says', async (context) => {
    if ((await listGpus()).length > 0) context.skip('the expected outcome is that of a machine without a GPU')
    const verdicts = await verdictsByCandidate()
    const generated = (await read(candidates)).filter(({ origin }) => origin === 'generated')
    const refusals = (await read(rejects)).filter(({ stage }) => stage === 'generate')
    const rows = (await readFile(join(examplesDirectory, 'model-outputs.jsonl'), 'utf8')).trimEnd().split('\n')
    const Output = z.object({ task: z.string(), code: z.string(), reasoning: z.string().nullish() })
    for (const { row, reject, status } of expected.model_outputs) {
      const output = Output.parse(JSON.parse(rows[row - 1] ?? ''))
      const answer = await parseAnswer(output.code, output.reasoning ?? null)
      const own = generated.filter(({ sources }) => answer.problem === null && sources[0]?.content === answer.code)
      const refusal = refusals.find(({ record_id }) => record_id.endsWith(`:${row}`))
      const seen = { row, reject: refusal?.reason ?? null, status: verdicts.get(own[0]?.id ?? '')?.status ?? null }
      expect(seen).toEqual({ row, reject, status })
    }
  })

  test('selects only what passed, and every selected row is in the dataset', async () => {
    const verdicts = await verdictsByCandidate()
    const kept = await read(selected)
    expect(kept.length).toBeGreaterThanOrEqual(10)
    for (const { candidate_id } of kept) expect(verdicts.get(candidate_id)?.status).toBe('PASSED')
    const rows = await Array.fromAsync(readParquet(parquetFile('sft')))
    expect(new Set(rows.map(({ candidate_id }) => candidate_id))).toEqual(new Set(kept.map((row) => row.candidate_id)))
  })

  test('writes a card with the recipe, the counts and the licences, and a report', async () => {
    const card = await readFile(join(workDir, 'quickstart/export/all/dataset/README.md'), 'utf8')
    expect(card).toMatch(/^---\n[\s\S]*configs:[\s\S]*config_name: sft[\s\S]*\n---\n/)
    expect(card).toContain('curate quickstart')
    const report = await readFile(join(workDir, 'quickstart/report.html'), 'utf8')
    for (const task of ['softmax', 'rms_norm', 'bias_hardswish']) expect(report).toContain(task)
  })
})

describe('the Parquet of the quickstart', () => {
  test.each(['sft', 'rejects'])('%s opens with hyparquet and with pyarrow, with the same rows', async (config) => {
    const path = parquetFile(config)
    const ours = await Array.fromAsync(readParquet(path))
    const { python } = await findPython()
    const script = join(packageRoot, 'test/fixtures/exports/read_parquet.py')
    const { ok, stdout, stderr } = await runProcess(python, [script, path], { maxOutput: 100_000_000 })
    expect(ok, stderr).toBe(true)
    const Report = z.object({
      rows: z.array(z.record(z.string(), z.unknown())),
      types: z.record(z.string(), z.unknown()),
    })
    const theirs = Report.parse(JSON.parse(stdout))
    expect(theirs.rows.length).toBe(ours.length)
    expect(Object.keys(theirs.types)).toEqual((await describeParquet(path)).columns)
    for (const [index, row] of ours.entries()) {
      for (const [name, value] of Object.entries(row)) {
        if (typeof value === 'string') expect(theirs.rows[index]?.[name]).toBe(value)
      }
    }
  })
})

describe('the quickstart again', () => {
  test('has nothing to do', async () => {
    const again = await curate(['quickstart', '--work-dir', workDir])
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Nothing to do/) })
  })

  test('publishes to a Hub when it is told where, and a second time has nothing to send', async () => {
    const server = await startHubServer()
    server.addToken('hf_quickstarttoken', 'write')
    try {
      const copy = join(await temporaryFolder(), 'work')
      await cp(workDir, copy, { recursive: true })
      const place = `publish={repo: acme/quickstart, endpoint: "${server.endpoint}"}`
      const flags = ['--recipe', 'quickstart', '--work-dir', copy, '--set', place, '--json']
      const environment = { HF_TOKEN: 'hf_quickstarttoken' }
      const first = await curate(flags, environment)
      expect(first.exitCode, first.stderr).toBe(0)
      const files = server.download('acme/quickstart')
      expect([...files.keys()]).toContain('sft/train-00000-of-00001.parquet')
      expect(files.get('sft/train-00000-of-00001.parquet')).toEqual(await readFile(parquetFile('sft')))
      expect(first.stdout + first.stderr).not.toContain('hf_quickstarttoken')
      const commits = server.history('acme/quickstart').length
      const second = await curate(flags, environment)
      expect(second.stdout).toContain('"outcome":"nothing_to_do"')
      expect(await curate([...flags, '--force', 'publish'], environment)).toMatchObject({ exitCode: 0 })
      expect(server.history('acme/quickstart').length).toBe(commits)
    } finally {
      await server.close()
    }
  })
})

function parquetFile(config: string, base = workDir): string {
  const path = join(base, 'quickstart/export/all/dataset', config, 'train-00000-of-00001.parquet')
  expect(existsSync(path), path).toBe(true)
  return path
}

function read<Row>(table: Table<Row>): Promise<Row[]> {
  return Array.fromAsync(readRunTable(workDirectory(workDir, 'quickstart'), table))
}

async function mined(): Promise<Candidate[]> {
  return (await read(candidates)).filter(({ origin }) => origin === 'mined')
}

async function tasksByEntryPoint(): Promise<Map<string, string>> {
  const entryPoints = new Map(
    (await read(kernels)).filter(({ role }) => role === 'entry').map(({ id, entry_point }) => [id, entry_point]),
  )
  const names = new Map((await read(tasks)).map(({ id, name }) => [id, name]))
  const pairs = (await mined()).flatMap(({ kernel_ids, task_id }) =>
    kernel_ids.map((id) => [entryPoints.get(id) ?? '', names.get(task_id) ?? ''] as const),
  )
  return new Map(pairs)
}

// The worst of the workloads is the verdict on the candidate.
async function verdictsByCandidate(): Promise<Map<string, Evaluation>> {
  const verdicts = new Map<string, Evaluation>()
  for (const evaluation of await read(evaluations)) {
    const known = verdicts.get(evaluation.candidate_id)
    if (known === undefined || known.status === 'PASSED') verdicts.set(evaluation.candidate_id, evaluation)
  }
  return verdicts
}

function byEntryPoint(a: { entry_point: string }, b: { entry_point: string }): number {
  return a.entry_point < b.entry_point ? -1 : 1
}
