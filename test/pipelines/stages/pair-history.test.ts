import { describe, expect, test } from 'vitest'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import { trajectories } from '../../../pipelines/core/records/trajectory.ts'
import { mineStage } from '../../../pipelines/stages/mine.ts'
import { pairStage } from '../../../pipelines/stages/pair.ts'
import { makeRepository } from '../../extractors/sources/made-repository.ts'
import type { MadeRepository } from '../../extractors/sources/made-repository.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aRecipe, filesUnder, openStageRun } from './stage-run.ts'

const PAIRED = { stage: 'pair' as const, shard: 'example' }

const TEST = `import torch

from doubling import double


def test_double():
    x = torch.randn(100, device="cuda")
    torch.testing.assert_close(double(x), x * 2)
`

const FIRST = `import torch
import triton
import triton.language as tl


@triton.jit
def double_kernel(x, y, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + at, tl.load(x + at) * 2)


def double(x):
    y = torch.empty_like(x)
    double_kernel[(triton.cdiv(x.numel(), 64),)](x, y, x.numel(), BLOCK=64)
    return y
`
const MASKED = FIRST.replace('tl.load(x + at)', 'tl.load(x + at, mask=at < n)').replace('* 2)', '* 2, mask=at < n)')
const EXPLAINED = MASKED.replace('    at =', '    # Every program has one block.\n    at =')
const BROKEN = EXPLAINED.replace('import torch\n', 'import torch\nimport secret_library\n').replace(
  'x.numel(), 64)',
  'x.numel(), secret_library.SIZE)',
)
const FASTER = EXPLAINED.replace('BLOCK=64', 'BLOCK=64, num_warps=2').replace(
  '    y = torch',
  '    # Two warps leave room for a second block on the same unit.\n    y = torch',
)

describe('history', () => {
  test('makes candidates of the states of a kernel and links them with what was said', async () => {
    const { run, shas } = await followed([
      ['Add double', FIRST],
      ['fix: mask the last block (#12)\n\nReads went past the end.\n\nSigned-off-by: Ann <ann@example.org>', MASKED],
      ['Explain the grid', EXPLAINED],
      ['Take the block size from elsewhere', BROKEN],
      ['Tune the number of warps\n\n1.3x faster than before, see https://example.org/pull/3', FASTER],
    ])
    const [task] = await run.read(tasks, PAIRED)
    const found = await run.read(candidates, PAIRED)
    expect(found.map(({ origin, task_id, commit_sha }) => ({ origin, task_id, commit_sha }))).toEqual([
      { origin: 'mined', task_id: task?.id, commit_sha: shas[4] },
      { origin: 'revision', task_id: task?.id, commit_sha: shas[0] },
      { origin: 'revision', task_id: task?.id, commit_sha: shas[1] },
    ])
    const [present, first, masked] = found
    expect(first?.sources[0]?.content).toContain('tl.load(x + at) * 2')
    expect(masked?.sources[0]?.content).toContain('tl.load(x + at, mask=at < n)')
    expect(masked).toMatchObject({ kernel_ids: present?.kernel_ids, license: null, generator: null, reasoning: null })
    const turns = await run.read(trajectories, PAIRED)
    expect(
      turns.map(({ turn, candidate_id, parent_id, change, commit_sha }) => {
        return { turn, candidate_id, parent_id, change, commit_sha }
      }),
    ).toEqual([
      { turn: 0, candidate_id: first?.id, parent_id: null, change: null, commit_sha: shas[0] },
      { turn: 1, candidate_id: masked?.id, parent_id: first?.id, change: 'correctness', commit_sha: shas[1] },
      { turn: 2, candidate_id: present?.id, parent_id: masked?.id, change: 'performance', commit_sha: shas[4] },
    ])
    expect(new Set(turns.map(({ trajectory_id }) => trajectory_id)).size).toBe(1)
    expect(turns.map(({ reasoning }) => reasoning?.text ?? null)).toEqual([
      null,
      'fix: mask the last block\n\nReads went past the end.',
      // A state that cannot be cut out leaves its message to the next.
      'Take the block size from elsewhere\n\nTune the number of warps\n\n1.3x faster than before, see [link]\n\nComments that came with the change:\n- Every program has one block.\n- Two warps leave room for a second block on the same unit.',
    ])
    expect(turns.slice(1).map(({ reasoning }) => reasoning?.kind)).toEqual(['human', 'human'])
    // `num_warps=2` stands in the code.
    expect(turns.map(({ trace_score, trace_wrong_claims }) => [trace_score, trace_wrong_claims])).toEqual([
      [null, null],
      [null, ''],
      [1, ''],
    ])
    expect(turns[1]?.evidence).toContain('prefix of the subject: fix (correctness +6)')
    expect(await run.read(rejects, PAIRED)).toEqual([
      {
        record_id: `${present?.id}@${shas[3]}`,
        stage: 'pair',
        by: 'history@3',
        reason: 'third_party_import',
        detail: expect.stringContaining('secret_library'),
        source: 'example',
      },
    ])
  })

  test('follows a file that was moved, and holds on to the tests of today', async () => {
    const made = await makeRepository()
    const test = { 'tests/test_double.py': TEST }
    await commit(made, 'Add double', { 'doubling.py': FIRST, 'tests/test_double.py': TEST.replace('100', '64') })
    await commit(made, 'Mask the last block', { 'doubling.py': MASKED, ...test })
    const package_ = { 'doubling/__init__.py': 'from .kernels import double\n', ...test }
    const sha = await commit(made, 'Make it a package', { 'doubling/kernels.py': MASKED, ...package_ })
    const { run } = await runAt(made, sha, {})
    const turns = await run.read(trajectories, PAIRED)
    const found = await run.read(candidates, PAIRED)
    expect(turns.map(({ turn }) => turn)).toEqual([0, 1])
    expect(found.map(({ pieces }) => [...new Set(pieces.map(({ path }) => path))])).toEqual([
      ['doubling/kernels.py', 'tests/test_double.py'],
      ['doubling.py', 'tests/test_double.py'],
    ])
  })

  test('goes no further back than it may, and nowhere where it is not asked', async () => {
    const versions = Array.from({ length: 6 }, (_, at) => [`Step ${at}`, FIRST.replaceAll('64', `${64 * (at + 1)}`)])
    const { run, made, shas } = await followed(versions, { max_revisions: 3 })
    const turns = await run.read(trajectories, PAIRED)
    expect(turns.map(({ commit_sha }) => commit_sha)).toEqual(shas.slice(-3))
    const without = await runAt(made, shas.at(-1) ?? '', null)
    expect(await without.run.read(trajectories, PAIRED)).toEqual([])
    expect(await without.run.read(candidates, PAIRED)).toHaveLength(1)
  })

  test('writes the same bytes again', async () => {
    const { run, made, shas } = await followed([
      ['Add double', FIRST],
      ['Mask the last block', MASKED],
    ])
    const again = await runAt(made, shas.at(-1) ?? '', {})
    expect(await filesUnder(again.run.folder(PAIRED))).toEqual(await filesUnder(run.folder(PAIRED)))
  })
})

async function followed(versions: readonly (readonly string[])[], history: unknown = {}) {
  const made = await makeRepository()
  const shas: string[] = []
  for (const [message = '', kernels = ''] of versions) {
    shas.push(await commit(made, message, { 'doubling.py': kernels, 'tests/test_double.py': TEST }))
  }
  return { ...(await runAt(made, shas.at(-1) ?? '', history)), made, shas }
}

async function commit(made: MadeRepository, message: string, files: Readonly<Record<string, string>>) {
  const folders = Map.groupBy(Object.entries(files), ([path]) => (path.includes('/') ? (path.split('/')[0] ?? '') : ''))
  const entries = await Promise.all(
    [...folders].map(async ([folder, inside]) => {
      const plain = inside.map(([path, content]) => ({
        name: path.slice(folder === '' ? 0 : folder.length + 1),
        content,
      }))
      return folder === '' ? plain : [{ name: folder, content: await made.tree(plain), kind: 'tree' as const }]
    }),
  )
  return made.commit(entries.flat(), message)
}

async function runAt(made: MadeRepository, sha: string, history: unknown) {
  const recipe = aRecipe({
    sources: [{ id: 'example', git: { url: made.directory, history: 'full' } }],
    mine: { languages: { triton: {} } },
    pair: { methods: { 'test-comparison': {} }, history, prove: false },
  })
  const run = openStageRun(await temporaryFolder(), recipe, { sources: new Map([['example', sha]]) })
  await run.run(mineStage)
  await run.run(pairStage)
  return { run }
}
