import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { candidateFacts } from '../../../pipelines/core/records/candidate-facts.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { selected } from '../../../pipelines/core/records/decision.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { readParquet } from '../../../pipelines/core/parquet.ts'
import { readTable } from '../../../pipelines/core/table.ts'
import type { Table } from '../../../pipelines/core/table.ts'
import { openTokenizer } from '../../../pipelines/core/tokenizer-file.ts'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import { readReportData } from '../../../pipelines/report/report-data.ts'
import { curate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

/** Rows of another program: two of a task, one that is no JSON, one of a wrong type, one twice, one without a task. */
const VALIDATED = join(import.meta.dirname, '..', '..', 'fixtures', 'selection', 'validated.jsonl')

async function select(input: string, ...flags: readonly string[]) {
  const workDir = await temporaryFolder()
  const args = ['--recipe', 'concur', '--input', input, '--work-dir', workDir, ...flags]
  const result = await curate(args)
  const read = <Row>(table: Table<Row>) =>
    Array.fromAsync(readTable(table, join(workDir, 'concur', 'filter', 'all', `${table.name}.parquet`)))
  return { ...result, workDir, read }
}

describe('curate --recipe R --stage filter --input FILE', () => {
  test('selects from rows of another program, and says of every other row why it is none', async () => {
    const { exitCode, stderr, read, workDir } = await select(VALIDATED, '--stage', 'filter')
    expect(exitCode).toBe(0)
    expect(stderr).toContain('validated.jsonl has columns that nobody reads: my_column')
    expect((await read(selected)).map(({ candidate_id, selected_by }) => [candidate_id, selected_by])).toEqual([
      ['a1', ['passed@3', 'concur@1', 'concur@1:concise_and_fast']],
      ['a2', ['passed@3', 'concur@1', 'concur@1:single_operator']],
    ])
    expect((await read(rejects)).map(({ record_id, reason }) => [record_id, reason])).toEqual([
      ['validated.jsonl:3', 'bad_json'],
      ['validated.jsonl:4', 'bad_value'],
      ['b2', 'copy_of_candidate'],
      ['validated.jsonl:7', 'no_task'],
      ['b2', 'timeout'],
    ])
    const report = await readReportData('concur', workDirectory(workDir, 'concur'))
    const shown = report.candidates.map(({ id, status, speedup }) => [id, status, speedup])
    expect(shown).toEqual((await read(candidateFacts)).map((row) => [row.candidate_id, row.status, row.speedup_eager]))
  })

  test('counts every reasoning with the tokenizer that the recipe names', async () => {
    const tokenizer = join(import.meta.dirname, '..', '..', 'fixtures', 'tokenizer', 'tokenizer.json')
    const { read, workDir } = await select(VALIDATED, '--set', `tokenizer=${tokenizer}`)
    const facts = await read(candidateFacts)
    const counter = await openTokenizer(tokenizer)
    const texts = new Map((await read(candidates)).map(({ id, reasoning }) => [id, reasoning]))
    for (const { candidate_id, reasoning_tokens, tokenizer: named } of facts) {
      const reasoning = texts.get(candidate_id) ?? null
      if (reasoning !== null)
        expect([reasoning_tokens, named]).toEqual([await counter.count(reasoning.text), counter.name])
    }
    const dataset = join(workDir, 'concur', 'export', 'all', 'dataset')
    const rows = await Array.fromAsync(readParquet(join(dataset, 'sft', 'train-00000-of-00001.parquet')))
    expect(rows.map((row) => row['tokenizer'])).toContain(counter.name)
    expect(await readFile(join(dataset, 'recipe.yaml'), 'utf8')).toContain('tokenizer: tokenizer.json\n')
  })

  test('takes a predicate over facts', async () => {
    const { read } = await select(
      VALIDATED,
      '--stage',
      'filter',
      '--set',
      'filters.where=speedup_eager_ci_low > 1.5 -- sure',
    )
    expect((await read(selected)).map(({ candidate_id }) => candidate_id)).toEqual(['a1'])
    expect(await read(rejects)).toContainEqual(expect.objectContaining({ record_id: 'a2', reason: 'predicate_false' }))
  })

  test('selects the same again from the config candidates of what it published', async () => {
    const first = await select(VALIDATED)
    const dataset = join(first.workDir, 'concur', 'export', 'all', 'dataset')
    const again = await select(join(dataset, 'candidates', 'train-00000-of-00001.parquet'), '--stage', 'filter')
    expect(again.stderr).not.toContain('absent')
    expect(await again.read(selected)).toEqual(await first.read(selected))
    expect(await again.read(candidateFacts)).toEqual(await first.read(candidateFacts))
  })

  test('goes on to a dataset, and does nothing the second time', async () => {
    const first = await select(VALIDATED)
    expect(first.exitCode).toBe(0)
    const card = await readFile(join(first.workDir, 'concur', 'export', 'all', 'dataset', 'README.md'), 'utf8')
    expect(card).toContain('**The verdicts and speedups of 2 of them are claims**')
    expect(card).toContain('| as claimed: not said | 2 |')
    const again = await curate(['--recipe', 'concur', '--input', VALIDATED, '--work-dir', first.workDir])
    expect(again.stdout).toContain('Nothing to do')
  })

  test('says what is wrong where there is no such file', async () => {
    const { exitCode, stderr } = await select(join(await temporaryFolder(), 'absent.jsonl'), '--stage', 'filter')
    expect(exitCode).not.toBe(0)
    expect(stderr).toMatch(/absent\.jsonl, which cannot be read/)
  })
})
