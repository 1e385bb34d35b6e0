import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { mergeCards } from '../../../exports/card/managed-sections.ts'
import { datasetConfigs } from '../../../exports/configs/registry.ts'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { runProcess } from '../../../pipelines/core/process.ts'
import { aCandidate, anEvaluation } from '../../records.ts'
import { cardOf, exportOf, someCandidates, useExportRuns } from './export-run.ts'
import { COMMIT } from './stage-run.ts'

const runs = useExportRuns()

describe('the dataset card', () => {
  it('names no split without rows, for which `datasets` would refuse the whole config', async () => {
    const exported = { configs: { sft: {}, multiturn: {} }, formats: { parquet: {} }, splits: { validation: 0.5 } }
    const dataset = await exportOf(runs.open({ export: exported }))
    const { front } = await cardOf(dataset)
    const named = front.configs.map(({ config_name, data_files }) => [config_name, data_files.length])
    expect(named).toEqual([
      ['sft', 1],
      ['rejects', 1],
    ])
    expect(front.dataset_info.map(({ config_name }) => config_name)).toEqual(['sft', 'rejects'])
    expect(await readdir(join(dataset, 'multiturn'))).toContain('train-00000-of-00001.parquet')
  })

  it('names configs, features and sizes as the Hub reads them', async () => {
    const dataset = await exportOf(runs.open())
    const { front } = await cardOf(dataset)
    expect(front).toMatchObject({
      license: 'other',
      license_name: 'per-row',
      license_link: 'LICENSE.md',
      language: ['en'],
      task_categories: ['text-generation'],
      source_datasets: ['original'],
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
    const { body } = await cardOf(await exportOf(runs.open()))
    expect(body).toContain('2 of 2 selected candidates passed on every workload that could judge them;')
    expect(body).toContain('1 were also timed; 1 have a reasoning.')
    for (const line of [
      '| pair | tasks | 1 |',
      '| pair | mined candidates | 3 |',
      '| filter | selected candidates | 2 |',
      '| filter | passed@3 | runtime\\_error | 1 |',
      '| passed@3 | Keeps candidates that passed on every workload that can judge them | 1 |',
      '| sft | 2 train | ',
      '| interpreter | 1 |',
      '| words, runs of five | 2 | 0 | 0 |',
      '| traced graph of the reference | 0 | 0 | 0 |',
      '| MIT | 2 |',
      '| output of a model | 1 |',
      `| example | git https://example.org/acme/kernels.git | ${COMMIT} | 2 |`,
    ]) {
      expect(body).toContain(line)
    }
  })

  it('has no licence, column or limit that is not of this dataset', async () => {
    const { body } = await cardOf(await exportOf(runs.open({ filters: { 'exact-dedup': {} } })))
    expect(body).toContain('1 candidates did not pass, or were never run')
    expect(body).toContain('No licence filter was applied')
    expect(body).toContain('Near duplicates were not removed')
    const filtered = await cardOf(await exportOf(runs.open({}, 'filtered')))
    expect(filtered.body).not.toContain('did not pass, or were never run')
    expect(filtered.body).not.toContain('No licence filter was applied')
  })

  it('holds the recipe that made it, without secrets and without a place to publish', async () => {
    const url = 'https://someone:hunter2@example.org/acme/kernels.git'
    const fields = { sources: [{ id: 'example', git: { url } }], publish: { repo: 'acme/kernels' } }
    const dataset = await exportOf(runs.open(fields))
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

  it('says where imported files go, not where they lay', async () => {
    const imported = (id: string, path: string) => ({ id, path, jsonl: {}, columns: { task: 'task', code: 'code' } })
    const imports = [
      imported('one', '/home/someone/answers.jsonl'),
      imported('two', '/home/someone/2/answers.jsonl'),
      imported('three', '../more.jsonl'),
    ]
    const dataset = await exportOf(runs.open({ generate: { imports } }))
    const recipe = await readFile(join(dataset, 'recipe.yaml'), 'utf8')
    const paths = parse(recipe).generate.imports.map(({ path }: { path: string }) => path)
    expect(paths).toEqual(['one/answers.jsonl', 'two/answers.jsonl', 'more.jsonl'])
    const { body } = await cardOf(dataset)
    expect(body).toContain('| two | file two/answers.jsonl |')
    expect(recipe + body).not.toContain('someone')
  })

  it('is what it was once it was published and merged with itself', async () => {
    const text = await readFile(join(await exportOf(runs.open()), 'README.md'), 'utf8')
    expect(mergeCards(text, text)).toBe(text)
  })

  it('is not changed by what strangers write', async () => {
    const records = someCandidates()
    const task = { ...records.task, repo_name: 'a|b`<img src=x>\n## Fake', license: 'MIT' }
    const dataset = await exportOf(runs.open(), { ...records, task })
    const list = await readFile(join(dataset, 'LICENSE.md'), 'utf8')
    expect(list).toContain('## a\\|b\\`&lt;img src=x> ## Fake: MIT')
    expect(list).not.toContain('\n## Fake')
  })

  it.each([
    ['of the first config', { configs: { sft: {} }, formats: { parquet: {} } }],
    ['of the config that holds code', { configs: { rl: {}, candidates: {} }, formats: { parquet: {} } }],
    ['of an Arrow file', { configs: { sft: {} }, formats: { arrow: {} } }],
  ])('shows a program that really checks a row %s, one that runs where the reader is', async (_which, exported) => {
    const { task, plain, failed } = someCandidates()
    const interpreted = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) =>
      aCandidate(task, { sources: [{ path: 'kernel.py', content: `raise SystemExit("${name}")\n` }] }),
    )
    const judged = [
      anEvaluation(plain, { proved_on: 'cpu' }),
      anEvaluation(failed, { status: 'RUNTIME_ERROR' }),
      ...interpreted.map((candidate) => anEvaluation(candidate, { proved_on: 'interpreter' })),
    ]
    const all = [...interpreted, failed, plain]
    const dataset = await exportOf(runs.open({ export: exported }), { ...someCandidates(), task, all, judged })
    const { body } = await cardOf(dataset)
    const [, program = ''] = /```python\n(import glob[\s\S]*?)```/.exec(body) ?? []
    await writeFile(join(runs.directory, 'recheck.py'), program)
    const python = join(packageRoot, '.venv/bin/python')
    const { stdout, stderr } = await runProcess(python, [join(runs.directory, 'recheck.py')], {
      cwd: dataset,
      timeoutMs: 60_000,
    })
    expect(stderr).toBe('')
    expect(stdout).toContain(`${plain.id} agrees with its reference on`)
  })

  it.each(Object.values(datasetConfigs))('says what every column of $id means', ({ columns }) => {
    for (const { name, description } of columns) expect([name, description.length > 5]).toEqual([name, true])
    expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length)
  })
})
