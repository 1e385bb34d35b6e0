import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openParquet } from '../../../pipelines/core/parquet.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { taskId, tasks } from '../../../pipelines/core/records/task.ts'
import { trajectories } from '../../../pipelines/core/records/trajectory.ts'
import type { TrajectoryTurn } from '../../../pipelines/core/records/trajectory.ts'
import type { Task } from '../../../pipelines/core/records/task.ts'
import type { World } from '../../../pipelines/core/stage.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import { countTokens } from '../../../pipelines/core/tokenizer.ts'
import { filesOfRecipe, generateStage } from '../../../pipelines/stages/generate.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aRecipe, filesUnder, openStageRun } from './stage-run.ts'
import type { StageRun } from './stage-run.ts'

const CODE = 'import torch\nimport triton\n\n\nclass ModelNew(torch.nn.Module):\n    pass\n'
const IMPORT = { id: 'outputs', path: 'outputs.jsonl', jsonl: {} }
const SHARD = { stage: 'generate', shard: 'outputs' } as const

describe('generate', () => {
  test('makes a candidate of each output, with its reasoning measured and its origin told', async () => {
    const run = await runOutputs([
      { task: 'softmax', model: 'a-model', language: 'Triton', reasoning: 'One program per row.', code: CODE },
    ])
    const softmax = aTask('softmax')
    expect(await run.read(candidates, SHARD)).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{16}$/),
        task_id: softmax.id,
        origin: 'generated',
        language: 'triton',
        form: 'python',
        entry_point: 'candidate.py::ModelNew',
        sources: [{ path: 'candidate.py', content: CODE }],
        requires: ['torch', 'triton'],
        kernel_ids: [],
        reasoning: {
          text: 'One program per row.',
          kind: 'model',
          num_tokens: await countTokens('One program per row.'),
          tokenizer: 'o200k_base',
        },
        generator: 'a-model',
        source: 'outputs',
        repo_name: null,
        commit_sha: null,
        license: null,
        pieces: [],
        generation: null,
      },
    ])
    expect(await run.read(rejects, SHARD)).toEqual([])
  })

  test('takes the id of a task as well as its name, and needs neither model nor reasoning', async () => {
    const run = await runOutputs([{ task: aTask('softmax').id, code: CODE }])
    expect(await run.read(candidates, SHARD)).toMatchObject([
      { task_id: aTask('softmax').id, reasoning: null, generator: null, language: 'torch' },
    ])
  })

  test('keeps every row it cannot use, with its place and the reason', async () => {
    const rows = [
      { task: 'unheard-of', code: CODE },
      { task: 'add', code: CODE },
      { code: CODE },
      ['no', 'object'],
      { task: 'softmax', code: { text: CODE } },
      { task: 'softmax', code: 'I would tile it.' },
      { task: 'softmax', code: CODE },
      { task: 'softmax', code: CODE },
    ]
    const run = await runOutputs([...rows.map((row) => JSON.stringify(row)), '{"task": '])
    expect((await run.read(rejects, SHARD)).map(({ record_id, by, reason }) => [record_id, by, reason])).toEqual([
      ['outputs.jsonl:1', 'generate@4', 'unknown_task'],
      ['outputs.jsonl:2', 'generate@4', 'ambiguous_task_name'],
      ['outputs.jsonl:3', 'generate@4', 'missing_value'],
      ['outputs.jsonl:4', 'generate@4', 'not_an_object'],
      ['outputs.jsonl:5', 'generate@4', 'wrong_type'],
      ['outputs.jsonl:6', 'generate@4', 'no_code'],
      ['outputs.jsonl:8', 'generate@4', 'duplicate'],
      ['outputs.jsonl:9', 'jsonl@1', 'bad_json'],
    ])
    const ambiguous = (await run.read(rejects, SHARD))[1]
    expect(ambiguous?.detail).toMatch(/^2 tasks are called add: [0-9a-f]{16}, [0-9a-f]{16}; give an id$/)
    expect(await run.read(candidates, SHARD)).toHaveLength(1)
  })

  test('is not misled by a task that two sources hold', async () => {
    const [first, second] = [aTask('softmax'), aTask('softmax', { repo_name: 'other' })]
    expect(second.id).toBe(first.id)
    const run = await runOutputs([{ task: 'softmax', code: CODE }], { tasks: [first, second] })
    expect(await run.read(candidates, SHARD)).toHaveLength(1)
  })

  test('reads the columns that the recipe declares', async () => {
    const columns = { task: 'problem.name', code: 'messages.-1.content', reasoning: null, generator: 'by' }
    const row = {
      problem: { name: 'softmax' },
      messages: [{ content: '?' }, { content: `<think>Tiles.</think>\n\`\`\`python\n${CODE}\`\`\`` }],
      by: 'a-model',
    }
    const run = await runOutputs([row], { entry: { ...IMPORT, columns } })
    expect(await run.read(candidates, SHARD)).toMatchObject([
      { generator: 'a-model', reasoning: { text: 'Tiles.' }, sources: [{ content: CODE }] },
    ])
  })

  test('takes the task of a row that brings one, also where several rows bring the same', async () => {
    const reference = 'import torch\n\nclass Model: ...\ndef get_inputs(): ...\ndef get_init_inputs(): ...\n'
    const rows = [
      { name: 'gelu', program: reference, code: CODE },
      { name: 'gelu', program: reference, code: `${CODE}# again\n` },
      { name: 'gelu', program: 'class Model: ...\n', code: CODE },
    ]
    const columns = { task: 'name', reference: 'program' }
    const run = await runOutputs(rows, { entry: { ...IMPORT, columns } })
    const [brought, ...others] = await run.read(tasks, SHARD)
    expect(others).toEqual([])
    expect(brought).toMatchObject({
      name: 'gelu',
      origin: 'imported',
      reference,
      requires: ['torch'],
      pairing: null,
      repo_name: 'outputs',
      path: 'outputs.jsonl',
      start_line: 1,
      license: null,
    })
    expect((await run.read(candidates, SHARD)).map(({ task_id }) => task_id)).toEqual([brought?.id, brought?.id])
    expect(await run.read(rejects, SHARD)).toMatchObject([
      { record_id: 'outputs.jsonl:3', reason: 'no_inputs', detail: 'the reference defines no get_inputs' },
    ])
  })

  test('knows the tasks that other imports bring, and depends on their files', async () => {
    const base = await temporaryFolder()
    const imports = [
      IMPORT,
      { id: 'bench', path: 'bench.jsonl', jsonl: {}, columns: { reference: 'code', code: null } },
    ]
    const files = new Map([
      ['outputs.jsonl', 'a'],
      ['bench.jsonl', 'b'],
    ])
    const run = openStageRun(base, aRecipe({ generate: { imports } }), { files })
    await run.write({ stage: 'pair', shard: 'example' }, [], [tasks])
    const program = 'class Model: ...\ndef get_inputs(): ...\ndef get_init_inputs(): ...\n'
    await writeFile(join(base, 'outputs.jsonl'), JSON.stringify({ task: 'gelu', code: CODE }))
    await writeFile(join(base, 'bench.jsonl'), JSON.stringify({ task: 'gelu', code: program }))
    await run.run(generateStage)
    const [gelu] = await run.read(tasks, { stage: 'generate', shard: 'bench' })
    expect(await run.read(candidates, SHARD)).toMatchObject([{ task_id: gelu?.id }])
    expect(run.plan(generateStage).map(({ external }) => external)).toEqual([{ files: ['a', 'b'] }, { files: ['b'] }])
  })

  test('reads Parquet', async () => {
    const entry = { id: 'outputs', path: 'outputs.parquet', parquet: {} }
    const run = await openRun(entry, [aTask('softmax')])
    const columns = ['task', 'code'].map((name) => ({
      name,
      type: 'string' as const,
      nullable: false,
      description: '',
    }))
    const sink = openParquet(join(run.base, entry.path), columns)
    await sink.write({ task: 'softmax', code: CODE })
    await sink.write({ task: 'nothing', code: CODE })
    await sink.close()
    await run.run(generateStage)
    expect(await run.read(candidates, SHARD)).toHaveLength(1)
    expect(await run.read(rejects, SHARD)).toMatchObject([{ record_id: 'outputs.parquet:2', reason: 'unknown_task' }])
  })

  test('believes a language column that names one of ours, and the code otherwise', async () => {
    const languages = ['CUDA', 'c++', 'python', null]
    const rows = languages.map((language, index) => ({ task: 'softmax', language, code: `${CODE}# ${index}\n` }))
    const run = await runOutputs(rows)
    const read = await run.read(candidates, SHARD)
    expect(read.map(({ language }) => language)).toEqual(['cuda', 'cpp', 'torch', 'torch'])
  })

  test('keeps credentials out of the reasoning', async () => {
    const run = await runOutputs([{ task: 'softmax', reasoning: 'with hf_abcdefghijklmnop', code: CODE }])
    expect(await run.read(candidates, SHARD)).toMatchObject([{ reasoning: { text: 'with hf_***' } }])
  })

  test('writes the same bytes again', async () => {
    const rows = Array.from({ length: 50 }, (_, index) => ({ task: 'softmax', code: `${CODE}# ${index}\n` }))
    const [first, second] = [await runOutputs(rows), await runOutputs(rows)]
    expect(await filesUnder(second.folder(SHARD))).toEqual(await filesUnder(first.folder(SHARD)))
  })
})

describe('logs of searches become trajectories', () => {
  const codeOf = (name: string): string => `${CODE}# ${name}\n`

  async function turnsOf(rows: readonly unknown[], columns: object) {
    const run = await runOutputs(rows, { entry: { ...IMPORT, columns } })
    const made = new Map(
      (await run.read(candidates, SHARD)).map(({ id, sources }) => [
        id,
        /# (\w+)/.exec(sources[0]?.content ?? '')?.[1],
      ]),
    )
    const turns = await run.read(trajectories, SHARD)
    const ways = Map.groupBy(turns, ({ trajectory_id }) => trajectory_id)
    const told = ({ turn, candidate_id, parent_id, feedback, reasoning }: TrajectoryTurn) =>
      [turn, made.get(candidate_id), made.get(parent_id ?? '') ?? null, feedback, reasoning?.text ?? null] as const
    const reasons = (await run.read(rejects, SHARD)).map(({ reason }) => reason)
    return { ways: [...ways.values()].map((way) => way.map(told)), made: [...made.values()], reasons }
  }

  test('a row with a list of attempts', async () => {
    const attempts = [
      { program: codeOf('a'), thought: 'Rows.', result: { speedup: 0.5, ok: true } },
      { program: 'I give up.', result: { speedup: 0, ok: false } },
      { program: codeOf('b'), result: { speedup: 2.25, ok: true } },
      { program: codeOf('c') },
    ]
    const attempt = {
      code: 'program',
      reasoning: 'thought',
      feedback: '{result.speedup} times as fast, right: {result.ok}',
    }
    expect(await turnsOf([{ task: 'softmax', attempts }], { turns: 'attempts', attempt })).toEqual({
      ways: [
        [
          [0, 'a', null, null, 'Rows.'],
          [2, 'b', 'a', null, null],
          [3, 'c', 'b', '2.25 times as fast, right: true', null],
        ],
      ],
      made: ['a', 'b', 'c'],
      reasons: ['no_code'],
    })
  })

  // b and c are made from a, d from c, which is no code, and x begins a search of its own.
  const TREE = [
    ['a', null, 1, codeOf('a')],
    ['b', 'a', 3, codeOf('b')],
    ['c', 'a', 2, 'prose'],
    ['d', 'c', 9.5, codeOf('d')],
    ['x', '', 4, codeOf('x')],
  ].map(([node, from, score, code]) => ({
    task: 'softmax',
    node,
    from,
    metrics: { score },
    code,
    log: `log of ${node}`,
  }))
  const SEARCH = { id: 'node', parent: 'from', feedback: 'Score {metrics.score}. {log}' }

  test('a row per attempt: the way to every last one', async () => {
    const { ways, made, reasons } = await turnsOf(TREE, { search: SEARCH })
    expect(ways).toEqual([
      [
        [0, 'a', null, null, null],
        [1, 'b', 'a', 'Score 1. log of a', null],
      ],
      [
        [0, 'a', null, null, null],
        [2, 'd', 'a', null, null],
      ],
    ])
    expect({ made, reasons }).toEqual({ made: ['a', 'b', 'd', 'x'], reasons: ['no_code'] })
  })

  test('a row per attempt with scores: the way to the best of each search', async () => {
    const columns = { search: { ...SEARCH, score: 'metrics.score', feedback: 'log' } }
    expect((await turnsOf([...TREE, TREE[1]], columns)).ways).toEqual([
      [
        [0, 'a', null, null, null],
        [2, 'd', 'a', null, null],
      ],
    ])
  })

  test('a row with messages', async () => {
    const chat = [
      { role: 'user', content: 'Go.' },
      { role: 'assistant', content: `\`\`\`python\n${codeOf('a')}\`\`\`` },
      { role: 'user', content: 'Wrong.' },
      { role: 'assistant', content: `<think>Why?</think>\`\`\`python\n${codeOf('b')}\`\`\`` },
    ]
    expect((await turnsOf([{ task: 'softmax', chat }], { turns: 'chat' })).ways).toEqual([
      [
        [0, 'a', null, null, null],
        [1, 'b', 'a', 'Wrong.', 'Why?'],
      ],
    ])
  })

  test.each([
    [{ attempt: {} }, 'name it in `turns`'],
    [{ turns: 'chat', search: {} }, 'give one'],
  ])('columns %j are refused', (columns, said) => {
    expect(() => aRecipe({ generate: { imports: [{ ...IMPORT, columns }] } })).toThrow(said)
  })
})

describe('the plan of generate', () => {
  test('is one shard per import, which depends on the content of the file and on the tasks there are', async () => {
    const recipe = aRecipe({ generate: { imports: [IMPORT, { ...IMPORT, id: 'again' }] } })
    expect(filesOfRecipe(recipe)).toEqual(['outputs.jsonl'])
    const plan = (world: Partial<World>) => openStageRun('/nowhere', recipe, world).plan(generateStage)
    const planned = plan({ files: new Map([['outputs.jsonl', 'abc']]) })
    expect(planned.map(({ shard }) => shard)).toEqual(['outputs', 'again'])
    expect(planned[0]).toMatchObject({
      external: { files: ['abc'] },
      inputs: [{ stage: 'pair', shard: 'example' }],
    })
    expect(plan({ sources: new Map([['example', null]]) })[0]?.inputs).toEqual([])
  })

  test('is nothing without imports', () => {
    expect(openStageRun('/nowhere', aRecipe()).plan(generateStage)).toEqual([])
  })
})

// A process and two imports of the compiler.
test('a compiler writes an implementation of a task, or says why there is nothing to write', async () => {
  const body = (forward: string): string =>
    `import torch\n\n\nclass Model(torch.nn.Module):\n    def forward(self, x):\n        return ${forward}\n\n\ndef get_inputs():\n    return [torch.randn(3, 5)]\n\n\ndef get_init_inputs():\n    return []\n`
  const workloads = [{ id: 'only', axes: {} }]
  const fused = { ...aTask('fused'), reference: body('torch.relu(x) * 2'), workloads }
  const library = { ...aTask('library'), reference: body('x @ x.T'), workloads }
  const run = openStageRun(await temporaryFolder(), aRecipe({ generate: { compilers: [{ id: 'inductor' }] } }))
  const known = [fused, library].map((task) => rowOf(tasks, task))
  await run.write({ stage: 'pair', shard: 'example' }, known, [tasks])
  await run.run(generateStage)
  const shard = { stage: 'generate', shard: 'inductor' } as const
  const [candidate, ...more] = await run.read(candidates, shard)
  expect(more).toEqual([])
  expect(candidate).toMatchObject({ task_id: fused.id, origin: 'compiled', language: 'triton', license: 'MIT' })
  expect(candidate?.generator).toMatch(/^TorchInductor \(torch 2\./)
  expect(candidate?.sources[0]?.content).toContain('@triton.jit\ndef triton_poi_fused_')
  expect(await run.read(rejects, shard)).toMatchObject([{ record_id: library.id, reason: 'extern_only' }])
})

async function openRun(entry: unknown, known: readonly Task[]): Promise<StageRun & { base: string }> {
  const base = await temporaryFolder()
  const run = openStageRun(base, aRecipe({ generate: { imports: [entry] } }))
  await run.write(
    { stage: 'pair', shard: 'example' },
    known.map((task) => rowOf(tasks, task)),
    [tasks],
  )
  return { ...run, base }
}

async function runOutputs(
  rows: readonly unknown[],
  { entry = IMPORT, tasks: known = TASKS }: { entry?: unknown; tasks?: readonly Task[] } = {},
): Promise<StageRun> {
  const run = await openRun(entry, known)
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)))
  await writeFile(join(run.base, 'outputs.jsonl'), `${lines.join('\n')}\n`)
  await run.run(generateStage)
  return run
}

function aTask(name: string, fields: Partial<Task> = {}): Task {
  const reference = `class Model:\n    """${name}"""\n`
  const id = taskId({ reference, workloads: [] })
  return {
    id,
    name,
    reference,
    workloads: [],
    tolerance: null,
    origin: 'mined',
    requires: [],
    pairing: null,
    source: 'example',
    repo_name: 'example',
    repo_url: 'example:example',
    commit_sha: '0'.repeat(40),
    path: 'test.py',
    start_line: 1,
    end_line: 2,
    license: 'MIT',
    license_evidence: 'header',
    ...fields,
  }
}

const TASKS: readonly Task[] = [aTask('softmax'), aTask('add'), { ...aTask('other'), name: 'add' }]
