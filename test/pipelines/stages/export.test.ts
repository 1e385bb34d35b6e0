import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readParquet } from '../../../pipelines/core/parquet.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { datasetFiles } from '../../../pipelines/core/records/dataset-file.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import type { World } from '../../../pipelines/core/stage.ts'
import { exportStage } from '../../../pipelines/stages/export.ts'
import { aReasoning } from '../../records.ts'
import { EXPORT, PAIR, TO_PARQUET, cardOf, exportOf, someCandidates, useExportRuns } from './export-run.ts'
import { COMMIT, filesUnder } from './stage-run.ts'

const runs = useExportRuns()

async function rowsOf(path: string) {
  return Array.fromAsync(readParquet(path))
}

describe('the stage export', () => {
  it('writes one row per selected candidate with its conversation, evidence and provenance', async () => {
    const records = someCandidates()
    const dataset = await exportOf(runs.open(), records)
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
      selected_by: ['passed@3', 'license@1'],
      prompt_template: 'write-kernel@3',
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
    const dataset = await exportOf(runs.open(), records)
    const rows = await rowsOf(join(dataset, 'rejects/train-00000-of-00001.parquet'))
    expect(rows.map(({ record_id, by, reason }) => [record_id, by, reason])).toEqual([
      [records.failed.id, 'passed@3', 'runtime_error'],
      ['kernels/broken.py', 'pair@1', 'no_reference'],
    ])
  })

  it('lists every file of the dataset with its size and hash', async () => {
    const run = runs.open({ export: { ...TO_PARQUET, formats: { parquet: {}, arrow: {} } } })
    const dataset = await exportOf(run)
    const files = await run.read(datasetFiles, EXPORT)
    expect(Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256]))).toEqual(await filesUnder(dataset))
    expect(files.map(({ path }) => path).toSorted()).toEqual([
      'LICENSE.md',
      'README.md',
      'plots/reasoning-lengths.svg',
      'plots/speedups.svg',
      'recipe.yaml',
      'rejects/train-00000-of-00001.arrow',
      'rejects/train-00000-of-00001.parquet',
      'sft/train-00000-of-00001.arrow',
      'sft/train-00000-of-00001.parquet',
      'sources.lock.json',
    ])
  })

  it('divides a config into files of the size the recipe says', async () => {
    const dataset = await exportOf(runs.open({ export: { ...TO_PARQUET, max_file_rows: 1 } }))
    expect((await readdir(join(dataset, 'sft'))).toSorted()).toEqual([
      'train-00000-of-00002.parquet',
      'train-00001-of-00002.parquet',
    ])
    for (const file of await readdir(join(dataset, 'sft')))
      expect(await rowsOf(join(dataset, 'sft', file))).toHaveLength(1)
  })

  it('writes the same bytes again, wherever it runs', async () => {
    const [first, second] = [await exportOf(runs.open({}, 'first')), await exportOf(runs.open({}, 'other/second'))]
    expect(await filesUnder(first)).toEqual(await filesUnder(second))
  })

  it('gives valid files and says so where no candidate was selected', async () => {
    const { task, failed, judged } = someCandidates()
    const dataset = await exportOf(runs.open(), { ...someCandidates(), task, all: [failed], judged })
    expect(await rowsOf(join(dataset, 'sft/train-00000-of-00001.parquet'))).toEqual([])
    const { front, body } = await cardOf(dataset)
    expect(body).toContain('**The config `sft` has no rows**')
    expect(front.size_categories).toEqual(['n<1K'])
    expect(front.dataset_info.map(({ config_name }) => config_name)).toEqual(['rejects'])
  })

  it('rejects a candidate whose reasoning would break the conversation, and exports the others', async () => {
    const records = someCandidates()
    const broken = { ...records.reasoned, reasoning: aReasoning(5, { text: 'so </think> I am done, am I?' }) }
    const run = runs.open()
    const dataset = await exportOf(run, { ...records, all: [records.plain, broken] })
    expect(await rowsOf(join(dataset, 'sft/train-00000-of-00001.parquet'))).toHaveLength(1)
    const expected = expect.objectContaining({ record_id: broken.id, by: 'sft@7', reason: 'reasoning_has_tags' })
    expect(await run.read(rejects, EXPORT)).toEqual([expected])
    expect(await rowsOf(join(dataset, 'rejects/train-00000-of-00001.parquet'))).toContainEqual(expected)
  })

  it('marks a dataset that is not complete', async () => {
    const sources = ['example', 'gone'].map((id) => ({ id, git: { url: `https://example.org/acme/${id}.git` } }))
    const run = runs.open({ sources }, 'run', {
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
    const run = runs.open()
    await exportOf(run)
    await run.write(PAIR, [], [tasks, candidates])
    await expect(run.run(exportStage)).rejects.toMatchObject({ code: 'selection_incomplete' })
  })

  it('runs again for another recipe, source or file, and not for another place to publish', () => {
    const specOf = (fields: Record<string, unknown>, facts: Partial<World> = {}) => {
      const [spec] = runs.open(fields, 'run', facts).plan(exportStage)
      return { config: spec?.config, external: spec?.external }
    }
    const publish = (options: object) => ({ publish: { repo: 'acme/kernels', ...options } })
    expect(specOf(publish({ private: true }))).toEqual(specOf(publish({ private: false, branch: 'next' })))
    expect(specOf({})).not.toEqual(specOf({ description: 'other' }))
    expect(specOf({})).not.toEqual(specOf({}, { sources: new Map([['example', 'f'.repeat(40)]]) }))
  })
})
