import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { readParquet } from '../../../pipelines/core/parquet.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import type { Candidate } from '../../../pipelines/core/records/candidate.ts'
import { datasetFiles } from '../../../pipelines/core/records/dataset-file.ts'
import { evaluations } from '../../../pipelines/core/records/evaluation.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import type { World } from '../../../pipelines/core/stage.ts'
import type { ShardKey } from '../../../pipelines/core/stage.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import { exportStage } from '../../../pipelines/stages/export.ts'
import { filterStage } from '../../../pipelines/stages/filter.ts'
import { validateShards } from '../../../pipelines/stages/upstream-shards.ts'
import { aCandidate, aPerformance, aReasoning, aReject, aTask, anEvaluation } from '../../records.ts'
import { COMMIT, aRecipe, filesUnder, openStageRun } from './stage-run.ts'
import type { StageRun } from './stage-run.ts'

const EXPORT: ShardKey = { stage: 'export', shard: 'all' }
const PAIR: ShardKey = { stage: 'pair', shard: 'example' }
const TO_PARQUET = { configs: { sft: {} }, formats: { parquet: {} } }

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'curate-export-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

function open(fields: Record<string, unknown> = {}, name = 'run', facts: Partial<World> = {}): StageRun {
  const recipe = aRecipe({ filters: { passed: {}, license: {} }, export: TO_PARQUET, ...fields })
  return openStageRun(join(directory, name), recipe, facts)
}

/** Two candidates of a task that pass, one with a reasoning and timed, one that fails; and a reject of pairing. */
function someCandidates() {
  const task = aTask()
  const plain = aCandidate(task)
  const reasoned = aCandidate(task, {
    generator: 'a-model',
    origin: 'generated',
    license: null,
    pieces: [],
    sources: [{ path: 'kernel.py', content: 'class ModelNew: ...\n' }],
    reasoning: aReasoning(42),
  })
  const failed = aCandidate(task, { sources: [{ path: 'kernel.py', content: 'raise SystemExit\n' }] })
  const judged = [
    anEvaluation(plain, { proved_on: 'interpreter' }),
    anEvaluation(reasoned, { performance: aPerformance(2) }),
    anEvaluation(failed, { status: 'RUNTIME_ERROR' }),
  ]
  return { task, plain, reasoned, failed, judged, all: [plain, reasoned, failed] }
}

async function exportOf(run: StageRun, { task, all, judged } = someCandidates()): Promise<string> {
  const pairRows = [
    rowOf(tasks, task),
    ...all.map((row: Candidate) => rowOf(candidates, row)),
    rowOf(rejects, aReject()),
  ]
  await run.write(PAIR, pairRows, [tasks, candidates])
  for (const [index, key] of validateShards(run.recipe).entries()) {
    await run.write(key, index === 0 ? judged.map((row) => rowOf(evaluations, row)) : [], [evaluations])
  }
  await run.run(filterStage)
  await run.run(exportStage)
  return join(run.folder(EXPORT), 'dataset')
}

async function rowsOf(path: string) {
  return Array.fromAsync(readParquet(path))
}

const FrontMatter = z.looseObject({
  license: z.string(),
  size_categories: z.array(z.string()),
  configs: z.array(
    z.object({ config_name: z.string(), default: z.boolean().optional(), data_files: z.array(z.unknown()) }),
  ),
  dataset_info: z.array(
    z.looseObject({
      config_name: z.string(),
      features: z.array(z.looseObject({ name: z.string() })),
      splits: z.array(z.object({ name: z.string(), num_bytes: z.int(), num_examples: z.int() })),
      download_size: z.int(),
    }),
  ),
})

async function cardOf(dataset: string) {
  const text = await readFile(join(dataset, 'README.md'), 'utf8')
  const [, yaml = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? []
  return { front: FrontMatter.parse(parse(yaml)), body }
}

describe('the stage export', () => {
  it('writes one row per selected candidate with its conversation, evidence and provenance', async () => {
    const records = someCandidates()
    const dataset = await exportOf(open(), records)
    const rows = await rowsOf(join(dataset, 'sft/train-00000-of-00001.parquet'))
    const { plain, reasoned, task } = records
    expect(rows.map((row) => row['candidate_id'])).toEqual([plain.id, reasoned.id].toSorted())
    const row = rows.find((each) => each['candidate_id'] === reasoned.id)
    expect(row).toMatchObject({
      task_id: task.id,
      reference: task.reference,
      code: 'class ModelNew: ...\n',
      language: 'triton',
      origin: 'generated',
      generator: 'a-model',
      license: null,
      reference_license: 'MIT',
      reasoning_kind: 'model',
      reasoning_tokens: 42n,
      tokenizer: 'o200k_base',
      proved_on: 'cpu',
      statuses: ['PASSED'],
      speedup: 2,
      hardware: 'Example CPU',
      pairing_method: 'test-comparison@1',
      pairing_confidence: 0.9,
      selected_by: ['passed@1', 'license@1'],
      prompt: 'write-kernel@1',
    })
    expect(row?.['messages']).toEqual([
      { role: 'user', content: expect.stringContaining(task.reference.trim()) },
      {
        role: 'assistant',
        content: `<think>\n${records.reasoned.reasoning?.text}\n</think>\n\n\`\`\`python\nclass ModelNew: ...\n\`\`\``,
      },
    ])
    expect(JSON.parse(String(row?.['workloads']))).toMatchObject([
      { axes: {}, status: 'PASSED', performance: { speedup: 2 } },
    ])
    const other = rows.find((each) => each['candidate_id'] === plain.id)
    expect(other).toMatchObject({ repo_name: 'acme/kernels', commit_sha: COMMIT, speedup: null, reasoning: null })
    expect(other).toMatchObject({ proved_on: 'interpreter', path: 'kernels/scale.py' })
  })

  it('publishes what was rejected and why', async () => {
    const records = someCandidates()
    const dataset = await exportOf(open(), records)
    const rows = await rowsOf(join(dataset, 'rejects/train-00000-of-00001.parquet'))
    expect(rows.map(({ record_id, by, reason }) => [record_id, by, reason])).toEqual([
      [records.failed.id, 'passed@1', 'runtime_error'],
      ['kernels/broken.py', 'pair@1', 'no_reference'],
    ])
  })

  it('lists every file of the dataset with its size and hash', async () => {
    const run = open({ export: { ...TO_PARQUET, formats: { parquet: {}, arrow: {} } } })
    const dataset = await exportOf(run)
    const files = await run.read(datasetFiles, EXPORT)
    expect(Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256]))).toEqual(await filesUnder(dataset))
    expect(files.map(({ path }) => path).toSorted()).toEqual([
      'LICENSE.md',
      'README.md',
      'recipe.yaml',
      'rejects/train-00000-of-00001.arrow',
      'rejects/train-00000-of-00001.parquet',
      'sft/train-00000-of-00001.arrow',
      'sft/train-00000-of-00001.parquet',
      'sources.lock.json',
    ])
  })

  it('divides a config into files of the size the recipe says', async () => {
    const dataset = await exportOf(open({ export: { ...TO_PARQUET, max_file_rows: 1 } }))
    expect((await readdir(join(dataset, 'sft'))).toSorted()).toEqual([
      'train-00000-of-00002.parquet',
      'train-00001-of-00002.parquet',
    ])
    for (const file of await readdir(join(dataset, 'sft')))
      expect(await rowsOf(join(dataset, 'sft', file))).toHaveLength(1)
  })

  it('writes the same bytes again, wherever it runs', async () => {
    const [first, second] = [await exportOf(open({}, 'first')), await exportOf(open({}, 'other/second'))]
    expect(await filesUnder(first)).toEqual(await filesUnder(second))
  })

  it('gives valid files and says so where no candidate was selected', async () => {
    const { task, failed, judged } = someCandidates()
    const dataset = await exportOf(open(), { ...someCandidates(), task, all: [failed], judged })
    expect(await rowsOf(join(dataset, 'sft/train-00000-of-00001.parquet'))).toEqual([])
    const { front, body } = await cardOf(dataset)
    expect(body).toContain('**The config `sft` has no rows**')
    expect(front.size_categories).toEqual(['n<1K'])
    expect(front.dataset_info[0]?.splits).toEqual([{ name: 'train', num_bytes: 0, num_examples: 0 }])
  })

  it('rejects a candidate whose reasoning would break the conversation, and exports the others', async () => {
    const records = someCandidates()
    const broken = { ...records.reasoned, reasoning: aReasoning(5, { text: 'so </think> I am done, am I?' }) }
    const run = open()
    const dataset = await exportOf(run, { ...records, all: [records.plain, broken] })
    expect(await rowsOf(join(dataset, 'sft/train-00000-of-00001.parquet'))).toHaveLength(1)
    const expected = expect.objectContaining({ record_id: broken.id, by: 'sft@1', reason: 'reasoning_has_tags' })
    expect(await run.read(rejects, EXPORT)).toEqual([expected])
    expect(await rowsOf(join(dataset, 'rejects/train-00000-of-00001.parquet'))).toContainEqual(expected)
  })

  it('marks a dataset that is not complete', async () => {
    const sources = ['example', 'gone'].map((id) => ({ id, git: { url: `https://example.org/acme/${id}.git` } }))
    const run = open({ sources }, 'run', {
      sources: new Map([
        ['example', COMMIT],
        ['gone', null],
      ]),
    })
    const { body } = await cardOf(await exportOf(run))
    expect(body).toContain('**This dataset is not complete**: `pair/gone` could not be made.')
    expect(await run.read(rejects, EXPORT)).toMatchObject([{ record_id: 'pair/gone', reason: 'missing_shard' }])
  })

  it('refuses a selection whose records are gone', async () => {
    const run = open()
    await exportOf(run)
    await run.write(PAIR, [], [tasks, candidates])
    await expect(run.run(exportStage)).rejects.toMatchObject({ code: 'selection_incomplete' })
  })

  it('runs again for another recipe, source or file, and not for another place to publish', () => {
    const specOf = (fields: Record<string, unknown>, facts: Partial<World> = {}) => {
      const [spec] = open(fields, 'run', facts).plan(exportStage)
      return { config: spec?.config, external: spec?.external }
    }
    const publish = (options: object) => ({ publish: { repo: 'acme/kernels', ...options } })
    expect(specOf(publish({ private: true }))).toEqual(specOf(publish({ private: false, branch: 'next' })))
    expect(specOf({})).not.toEqual(specOf({ description: 'other' }))
    expect(specOf({})).not.toEqual(specOf({}, { sources: new Map([['example', 'f'.repeat(40)]]) }))
  })
})

describe('the dataset card', () => {
  it('names configs, features and sizes as the Hub reads them', async () => {
    const dataset = await exportOf(open())
    const { front } = await cardOf(dataset)
    expect(front).toMatchObject({
      license: 'other',
      license_name: 'per-row',
      license_link: 'LICENSE.md',
      language: ['en'],
    })
    expect(front.configs).toEqual([
      { config_name: 'sft', default: true, data_files: [{ split: 'train', path: 'sft/train-*.parquet' }] },
      { config_name: 'rejects', data_files: [{ split: 'train', path: 'rejects/train-*.parquet' }] },
    ])
    const [sft] = front.dataset_info
    expect(sft?.splits[0]).toMatchObject({ name: 'train', num_examples: 2 })
    expect(sft?.features.slice(0, 2)).toEqual([
      {
        name: 'messages',
        list: [
          { name: 'role', dtype: 'string' },
          { name: 'content', dtype: 'string' },
        ],
      },
      { name: 'task_id', dtype: 'string' },
    ])
    expect(sft?.features.find(({ name }) => name === 'statuses')).toEqual({ name: 'statuses', list: 'string' })
    const bytes = await readFile(join(dataset, 'sft/train-00000-of-00001.parquet'))
    expect(sft?.download_size).toBe(bytes.length)
  })

  it('counts what it claims', async () => {
    const { body } = await cardOf(await exportOf(open()))
    expect(body).toContain('2 of 2 selected candidates passed on every workload they were judged on;')
    expect(body).toContain('1 were also timed; 1 have a reasoning.')
    for (const line of [
      '| pair | tasks | 1 |',
      '| pair | mined candidates | 3 |',
      '| filter | selected candidates | 2 |',
      '| filter | passed@1 | runtime\\_error | 1 |',
      '| interpreter | 1 |',
      '| MIT | 2 |',
      '| output of a model | 1 |',
      `| example | git https://example.org/acme/kernels.git | ${COMMIT} | 2 |`,
    ]) {
      expect(body).toContain(line)
    }
  })

  it('has no licence, column or limit that is not of this dataset', async () => {
    const { body } = await cardOf(await exportOf(open({ filters: { 'exact-dedup': {} } })))
    expect(body).toContain('1 candidates did not pass, or were never run')
    expect(body).toContain('No licence filter was applied')
    expect(body).toContain('near-duplicates were not looked for')
    const filtered = await cardOf(await exportOf(open({}, 'filtered')))
    expect(filtered.body).not.toContain('did not pass, or were never run')
    expect(filtered.body).not.toContain('No licence filter was applied')
  })

  it('holds the recipe that made it, without secrets and without a place to publish', async () => {
    const url = 'https://someone:hunter2@example.org/acme/kernels.git'
    const fields = { sources: [{ id: 'example', git: { url } }], publish: { repo: 'acme/kernels' } }
    const dataset = await exportOf(open(fields))
    const recipe = await readFile(join(dataset, 'recipe.yaml'), 'utf8')
    expect(parse(recipe)).toMatchObject({ name: 'stage-test', filters: { passed: {}, license: {} } })
    expect(recipe).not.toContain('publish')
    const { body } = await cardOf(dataset)
    expect(body).toContain('name: stage-test')
    expect(body).toContain('load_dataset("acme/kernels", "sft"')
    for (const file of ['recipe.yaml', 'README.md', 'sources.lock.json', 'LICENSE.md']) {
      expect(await readFile(join(dataset, file), 'utf8')).not.toContain('hunter2')
    }
  })

  it('is not changed by what strangers write', async () => {
    const records = someCandidates()
    const task = { ...records.task, repo_name: 'a|b`<img src=x>\n## Fake', license: 'MIT' }
    const dataset = await exportOf(open(), { ...records, task })
    const list = await readFile(join(dataset, 'LICENSE.md'), 'utf8')
    expect(list).toContain('## a\\|b\\`&lt;img src=x> ## Fake: MIT')
    expect(list).not.toContain('\n## Fake')
  })

  it('shows a program that really checks a row', async () => {
    const { task, plain, judged } = someCandidates()
    const dataset = await exportOf(open(), { ...someCandidates(), task, all: [plain], judged })
    const { body } = await cardOf(dataset)
    const [, program = ''] = /```python\n(import glob[\s\S]*?)```/.exec(body) ?? []
    await writeFile(join(directory, 'recheck.py'), program)
    const python = join(packageRoot, '.venv/bin/python')
    const { stdout, stderr } = await runProcess(python, [join(directory, 'recheck.py')], {
      cwd: dataset,
      timeoutMs: 60_000,
    })
    expect(stderr).toBe('')
    expect(stdout).toContain(`${plain.id} agrees with its reference on`)
  })
})
