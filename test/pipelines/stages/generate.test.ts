import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openParquet } from '../../../pipelines/core/parquet.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import type { World } from '../../../pipelines/core/stage.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import { countTokens } from '../../../pipelines/core/tokenizer.ts'
import { filesOfRecipe, generateStage } from '../../../pipelines/stages/generate.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { CODE, IMPORT, SHARD, aTask, openRun, runOutputs } from './import-run.ts'
import { aRecipe, filesUnder, openStageRun } from './stage-run.ts'

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
      ['outputs.jsonl:1', 'generate@5', 'unknown_task'],
      ['outputs.jsonl:2', 'generate@5', 'ambiguous_task_name'],
      ['outputs.jsonl:3', 'generate@5', 'missing_value'],
      ['outputs.jsonl:4', 'generate@5', 'not_an_object'],
      ['outputs.jsonl:5', 'generate@5', 'wrong_type'],
      ['outputs.jsonl:6', 'generate@5', 'no_code'],
      ['outputs.jsonl:8', 'generate@5', 'duplicate'],
      ['outputs.jsonl:9', 'jsonl@2', 'bad_json'],
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

  test('names the file of a row, and not where it lay', async () => {
    const columns = { task: 'name', reference: 'program' }
    const rows = [
      { name: 'gelu', program: 'class Model: ...\ndef get_inputs(): ...\ndef get_init_inputs(): ...\n' },
      {},
    ]
    const run = await runOutputs(rows, { entry: { ...IMPORT, path: './outputs.jsonl', columns, tasks_only: true } })
    expect(await run.read(tasks, SHARD)).toMatchObject([{ path: 'outputs.jsonl', repo_url: 'outputs.jsonl' }])
    expect(await run.read(rejects, SHARD)).toMatchObject([{ record_id: 'outputs.jsonl:2' }])
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
