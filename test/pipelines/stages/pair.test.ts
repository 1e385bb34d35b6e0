import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { kernels } from '../../../pipelines/core/records/kernel.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import { mineStage } from '../../../pipelines/stages/mine.ts'
import { pairStage } from '../../../pipelines/stages/pair.ts'
import { makeRepository } from '../../extractors/sources/made-repository.ts'
import type { MadeRepository } from '../../extractors/sources/made-repository.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aRecipe, filesUnder, openStageRun } from './stage-run.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/pairing/pairs')
const PAIRED = { stage: 'pair' as const, shard: 'example' }

describe('the pair stage', () => {
  test('writes tasks and candidates, and a reject for every kernel without', async () => {
    const { run } = await pairedRun('inline-expression')
    const [task, ...moreTasks] = await run.read(tasks, PAIRED)
    const [candidate, ...moreCandidates] = await run.read(candidates, PAIRED)
    expect([moreTasks, moreCandidates]).toEqual([[], []])
    expect(task).toMatchObject({
      name: 'scale',
      origin: 'mined',
      tolerance: { atol: 1e-6, rtol: 1e-5 },
      pairing: {
        method: expect.stringMatching(/^test-comparison@/),
        path: 'tests/test_scale.py',
        symbol: 'test_scale',
      },
      source: 'example',
      license: null,
    })
    expect(task?.workloads).toHaveLength(6)
    const mined = await run.read(kernels, { stage: 'mine', shard: 'example' })
    const paired = mined.find(({ symbol }) => symbol === '_scale_kernel')
    expect(candidate).toMatchObject({
      task_id: task?.id,
      origin: 'mined',
      language: 'triton',
      form: 'python',
      kernel_ids: [paired?.id],
      requires: ['torch', 'triton'],
      reasoning: null,
    })
    expect(candidate?.pieces).toContainEqual({
      path: 'scaling/kernels.py',
      start_line: 23,
      end_line: 28,
      license: 'MIT',
    })
    const left = await run.read(rejects, PAIRED)
    const helper = mined.find(({ symbol }) => symbol === '_scaled')
    expect(left.map(({ record_id, reason, by }) => [record_id, reason, by])).toEqual([
      [helper?.id, 'device_helper', expect.stringMatching(/^pair@/)],
    ])
  })

  test('takes the reasoning from the commit that explains the kernel', async () => {
    const body =
      'Scaling was bound by the loads of single elements.\n\nA block of 256 elements per program makes the loads wide, which is 1.7x faster on rows of a megabyte, and the mask keeps the tail correct.'
    const { run } = await pairedRun('inline-expression', `Scale in blocks, 1.7x faster (#12)\n\n${body}`)
    const [candidate] = await run.read(candidates, PAIRED)
    expect(candidate?.reasoning).toMatchObject({ kind: 'human', text: expect.stringContaining('makes the loads wide') })
  })

  test('loses the past of a kernel, and not its pair, where the repository lacks past states of its file', async () => {
    const made = await makeRepository()
    const files = await filesOf(join(FIXTURES, 'inline-expression/repository'))
    const first = await commitFiles(made, files)
    const path = 'scaling/kernels.py'
    files.set(path, Buffer.from(`${String(files.get(path))}\n`))
    const sha = await commitFiles(made, files)
    const gone = await made.git('rev-parse', `${first}^{tree}`)
    await rm(join(made.directory, 'objects', gone.slice(0, 2), gone.slice(2)))
    const { run } = await runOf(made, sha, undefined, { prove: false, history: {} })
    const [candidate, ...more] = await run.read(candidates, PAIRED)
    expect([candidate?.reasoning, more]).toEqual([null, []])
    expect(await run.read(rejects, PAIRED)).toContainEqual(
      expect.objectContaining({ record_id: `${candidate?.id}@${sha}`, reason: 'history_absent' }),
    )
  })

  test('counts one task for a reference that two tests share', async () => {
    const made = await makeRepository()
    const files = await filesOf(join(FIXTURES, 'inline-expression/repository'))
    const text = String(files.get('tests/test_scale.py'))
    files.set('tests/test_again.py', Buffer.from(text))
    const { run } = await runOf(made, await commitFiles(made, files))
    expect(await run.read(tasks, PAIRED)).toHaveLength(1)
    expect(await run.read(candidates, PAIRED)).toHaveLength(1)
  })

  test('gives the same bytes again, and other bytes for another option only', async () => {
    const made = await makeRepository()
    const sha = await commitFiles(made, await filesOf(join(FIXTURES, 'two-outputs/repository')))
    const [first, second] = [await runOf(made, sha), await runOf(made, sha)]
    expect(await filesUnder(first.run.folder(PAIRED))).toEqual(await filesUnder(second.run.folder(PAIRED)))
    const [plan] = first.run.plan(pairStage)
    expect(plan?.inputs).toEqual([{ stage: 'mine', shard: 'example' }])
    const other = await runOf(made, sha, { 'test-comparison': { max_workloads: 1 } })
    expect(other.run.plan(pairStage)[0]?.config).not.toEqual(plan?.config)
  })

  test('has every kernel in a candidate or in a reject', async () => {
    const { run } = await pairedRun('operator-overrides')
    const mined = await run.read(kernels, { stage: 'mine', shard: 'example' })
    const paired = (await run.read(candidates, PAIRED)).flatMap(({ kernel_ids }) => kernel_ids)
    const left = (await run.read(rejects, PAIRED)).map(({ record_id }) => record_id)
    expect(new Set([...paired, ...left])).toEqual(new Set(mined.map(({ id }) => id)))
  })

  test('says of a kernel whose reference could not be cut out where it stands', async () => {
    const made = await makeRepository()
    const files = new Map([
      ['ops.py', await readFile(join(FIXTURES, '../refusals/repository/ops.py'))],
      ['test_case.py', await readFile(join(FIXTURES, '../references/cases/block_around_both.py'))],
    ])
    const { run } = await runOf(made, await commitFiles(made, files))
    const [left] = await run.read(rejects, PAIRED)
    expect(left).toMatchObject({
      reason: 'unknown_context',
      detail: expect.stringMatching(/; its reference is at test_case\.py:10 torch\.mul$/),
    })
  })

  test('runs what it cut out before it believes it', async () => {
    const made = await makeRepository()
    const start = 'import torch\n\nfrom ops import double\n\n\ndef test_it():\n    x = torch.randn(12)\n'
    const wrong = `${start}    torch.testing.assert_close(double(x), x @ torch.ones(3, 3))\n`
    const right = `${start}    torch.testing.assert_close(double(x), x + x)\n`.replaceAll('double', 'twice')
    const ops = await readFile(join(FIXTURES, '../refusals/repository/ops.py'))
    const twice = ops.toString().replaceAll('double', 'twice').replaceAll('Double', 'Twice')
    const past = `from torch import not_there\n\n${twice.replace('x.numel(), block)', 'x.numel(), not_there(block))')}`
    const files = new Map([
      ['ops.py', ops],
      ['test_wrong.py', Buffer.from(wrong)],
      ['test_right.py', Buffer.from(right.replace('from ops', 'from twice_ops'))],
    ])
    files.set('layers.py', Buffer.from(LAYERS))
    await commitFiles(made, new Map([...files, ['twice_ops.py', Buffer.from(past)]]))
    const sha = await commitFiles(made, new Map([...files, ['twice_ops.py', Buffer.from(twice)]]))
    const { run } = await runOf(made, sha, undefined, { prove: true, history: {}, modules: {} })
    const [pair, ...revisions] = await run.read(candidates, PAIRED)
    expect([pair?.origin, revisions]).toEqual(['mined', []])
    const modules = (await run.read(tasks, PAIRED)).filter(({ id }) => id !== pair?.task_id)
    expect(modules.map(({ name, path, workloads }) => [name, path, workloads.map(({ axes }) => axes)])).toEqual([
      ['Rows', 'layers.py', ['4', '16', '1', '7', '3'].map((BATCH) => ({ BATCH }))],
    ])
    // The first of what it may be called with has three dimensions.
    expect(modules[0]?.reference).toContain('torch.randn(BATCH, 8)')
    expect(await run.read(rejects, PAIRED)).toMatchObject([
      { reason: 'reference_fails', detail: expect.stringMatching(/shapes cannot be multiplied[^]*test_wrong\.py:8/) },
      { reason: 'candidate_import', by: expect.stringMatching(/^history@/) },
    ])
  })

  test('stops when it is told to', async () => {
    const { run } = await pairedRun('two-outputs')
    run.abort.abort()
    await expect(run.run(pairStage)).rejects.toThrow()
  })
})

const LAYERS = `import torch
from torch import nn


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        rows, _ = x.shape
        return self.layer(x) / rows

`

async function pairedRun(fixture: string, message?: string) {
  const made = await makeRepository()
  return runOf(made, await commitFiles(made, await filesOf(join(FIXTURES, fixture, 'repository')), message))
}

async function runOf(
  made: MadeRepository,
  sha: string,
  methods: Readonly<Record<string, unknown>> = { 'test-comparison': {} },
  more: Readonly<Record<string, unknown>> = { prove: false },
) {
  const recipe = aRecipe({
    sources: [{ id: 'example', git: { url: made.directory, history: 'full' } }],
    mine: { languages: { triton: {}, cpp: {} } },
    pair: { methods, reasoning: { 'commit-message': {} }, ...more },
  })
  const run = openStageRun(await temporaryFolder(), recipe, { sources: new Map([['example', sha]]) })
  await run.run(mineStage)
  await run.run(pairStage)
  return { run }
}

async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    await Promise.all(paths.map(async (path) => [path.slice(folder.length + 1), await readFile(path)] as const)),
  )
}

// Folders become trees, from the inside out.
async function commitFiles(
  made: MadeRepository,
  files: ReadonlyMap<string, Buffer>,
  message?: string,
): Promise<string> {
  return made.commit(await entriesOf(made, files), message)
}

async function entriesOf(made: MadeRepository, files: ReadonlyMap<string, Buffer>): ReturnType<typeof plainEntries> {
  const folders = Map.groupBy(
    [...files].filter(([path]) => path.includes('/')),
    ([path]) => path.slice(0, path.indexOf('/')),
  )
  const entries = await plainEntries(files)
  for (const [folder, inside] of folders) {
    const below = new Map(inside.map(([path, content]) => [path.slice(folder.length + 1), content]))
    entries.push({ name: folder, content: await made.tree(await entriesOf(made, below)), kind: 'tree' as const })
  }
  return entries
}

async function plainEntries(files: ReadonlyMap<string, Buffer>) {
  const entries: { name: string; content: string | Buffer; kind: 'file' | 'tree' }[] = []
  for (const [name, content] of files) if (!name.includes('/')) entries.push({ name, content, kind: 'file' })
  return entries
}
