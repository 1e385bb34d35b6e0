import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import { readRunTable } from '../../../pipelines/run/run-records.ts'
import { curate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { SMALL, contentsOf, finishSmallRun, jsonLines, resultOf } from './small-run.ts'
import type { SmallRun } from './small-run.ts'

let small: SmallRun
beforeAll(async () => {
  small = await finishSmallRun('--to', 'pair')
})
afterAll(() => small.remove())

describe('curate status', () => {
  test('counts shards, rows and rejects from the disk, changes nothing, and names other runs when one is unknown', async () => {
    const before = await contentsOf(small.workDir)
    const { exitCode, stdout } = await curate(['status', '--work-dir', small.workDir])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^small in .*\/small$/m)
    expect(stdout).toMatch(/^mine +1\/1 +2 kernels /m)
    expect(stdout).toMatch(/^validate +0\/2$/m)
    expect(await contentsOf(small.workDir)).toEqual(before)
    const unknown = await curate(['status', '--work-dir', small.workDir, '--run', 'smal'])
    expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Runs there: small.') })
    const nowhere = await curate(['status', '--work-dir', join(await temporaryFolder(), 'none')])
    expect(nowhere).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('curate quickstart') })
  })

  test('is one object with --json', async () => {
    const status = await curate(['--json', 'status', '--work-dir', small.workDir])
    expect(jsonLines(status.stdout)).toHaveLength(1)
    const mine = { stage: 'mine', shards: 1, shardsDone: 1, written: { kernels: 2 }, failures: [] }
    expect(resultOf(status)).toMatchObject({
      run: 'small',
      funnel: expect.arrayContaining([expect.objectContaining(mine)]),
    })
  })
})

describe('curate inspect', () => {
  test('shows a candidate’s way: kernel, task, reference, reasoning, code, verdicts', async () => {
    const { id } = await firstCandidate()
    const { exitCode, stdout } = await curate(['inspect', id.slice(0, 8), '--work-dir', small.workDir])
    expect(exitCode).toBe(0)
    const order = [/^kernel [0-9a-f]{16} rowwise\//m, /^task [0-9a-f]{16} add$/m, /class Model\(/, new RegExp(`^candidate ${id}`, 'm'), /^reasoning/m, /class ModelNew\(/, /^evaluations$/m, /not evaluated/, /^decisions$/m] // prettier-ignore
    const places = order.map((pattern) => stdout.search(pattern))
    expect(
      places.every((place) => place >= 0),
      places.join(' '),
    ).toBe(true)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  })

  test('names the nearest id when there is none like it', async () => {
    const { id } = await firstCandidate()
    const wrong = `${id.slice(0, 9)}${id[9] === '0' ? '1' : '0'}${id.slice(10)}`
    const { exitCode, stderr } = await curate(['inspect', wrong, '--work-dir', small.workDir])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`no record begins with ${wrong}`)
    expect(stderr).toContain(`Did you mean \`${id}\`?`)
  })

  test('is the records themselves with --json', async () => {
    const { id } = await firstCandidate()
    const shown = await curate(['inspect', id, '--work-dir', small.workDir, '--json'])
    expect(resultOf(shown)).toMatchObject({ run: 'small', candidates: [{ id }], tasks: [{ name: 'add' }] })
  })
})

describe('curate report', () => {
  test('writes one file without a foreign address and says where', async () => {
    const report = await curate(['report', '--work-dir', small.workDir, '--json'])
    const { path } = z.object({ path: z.string() }).parse(resultOf(report))
    const html = await readFile(path, 'utf8')
    expect(html).toMatch(/^<!doctype html>/)
    expect(html).not.toMatch(/(?:src|href)="?https?:/)
    expect(html).toContain("default-src 'none'")
  })
})

describe('curate list', () => {
  test('names every kind of plug-in with its options, and the bundled recipes', async () => {
    const { stdout } = await curate(['list'])
    for (const word of [
      'triton@2',
      'test-comparison@',
      'speedup@',
      'sft@',
      'parquet@',
      'git@1',
      'jsonl@',
      'quickstart.yaml',
    ]) {
      expect(stdout).toContain(word)
    }
    const Plugins = z.object({ plugins: z.array(z.object({ place: z.string(), plugin: z.string(), options: z.array(z.object({ name: z.string(), text: z.string().min(10) })) })) }) // prettier-ignore
    const { plugins } = Plugins.parse(resultOf(await curate(['list', '--json'])))
    expect(new Set(plugins.map(({ place }) => place)).size).toBeGreaterThanOrEqual(8)
  })
})

describe('curate schedule', () => {
  test('prints a line for cron that runs this recipe in this work directory', async () => {
    const { stdout } = await curate([
      'schedule',
      '--recipe',
      SMALL,
      '--cron',
      '0 3 * * 1',
      '--work-dir',
      '/data/my work',
    ])
    expect(stdout).toMatch(
      /^0 3 \* \* 1 cd \S+ && mkdir -p '\/data\/my work' && npx curate --recipe \S+small\.yaml --work-dir '\/data\/my work' --update/,
    )
  })

  test('prints a workflow for GitHub that is YAML', async () => {
    const { stdout } = await curate(['schedule', '--recipe', SMALL, '--as', 'github'])
    expect(parse(stdout)).toMatchObject({
      on: { schedule: [{ cron: '0 3 * * *' }] },
      jobs: { run: { steps: expect.any(Array) } },
    })
  })
})

test('curate doctor says what is there and how to get the rest', async () => {
  const doctor = await curate(['doctor', '--json', '--work-dir', small.workDir], { HF_TOKEN: 'hf_doctorsecrettoken' })
  const Findings = z.object({ findings: z.array(z.object({ name: z.string(), ok: z.boolean(), found: z.string(), remedy: z.string() })) }) // prettier-ignore
  const { findings } = Findings.parse(resultOf(doctor))
  const names = findings.map(({ name }) => name)
  for (const name of ['Node.js', 'git', 'PyTorch', 'C++ compiler', 'GPU', 'Hub token', 'disk'])
    expect(names).toContain(name)
  for (const { ok, name, remedy } of findings) if (!ok) expect(remedy, name).not.toBe('')
  expect(findings.find(({ name }) => name === 'Hub token')).toMatchObject({ ok: true, found: 'from HF_TOKEN' })
  expect(doctor.stdout).not.toContain('doctorsecret')
})

async function firstCandidate() {
  const rows = await Array.fromAsync(readRunTable(workDirectory(small.workDir, 'small'), candidates))
  const [first] = rows.filter(({ kernel_ids }) => kernel_ids.length > 0)
  if (first === undefined) throw new Error('the run has no candidate')
  return first
}
