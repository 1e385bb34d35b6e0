import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ownFacts } from '../../../filters/facts/facts.ts'
import { openParquet } from '../../../pipelines/core/parquet.ts'
import { readValidated, unreadColumns } from '../../../pipelines/stages/validated-input.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

/** Rows of another program: two of a task, one that is no JSON, one of a wrong type, one twice, one without a task. */
const VALIDATED = join(import.meta.dirname, '..', '..', 'fixtures', 'selection', 'validated.jsonl')
const TO_PARQUET = `import json, sys, pyarrow as pa, pyarrow.parquet as pq
rows = []
for line in open(sys.argv[1]):
    try: row = json.loads(line)
    except ValueError: continue
    if row.get("speedup_eager") != "fast": rows.append(row)
names = list(dict.fromkeys(name for row in rows for name in row))
pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), sys.argv[2])`

/** The rows that a file of these objects is read as. */
async function read(rows: readonly unknown[], ...mapping: readonly [object?, object?]) {
  const path = join(await temporaryFolder(), 'rows.jsonl')
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return Array.fromAsync(readValidated(path, ...mapping))
}

const ROW = { task_name: 'relu', code: 'def f(x): return x\n', status: 'PASSED', speedup_eager: 2 }

describe('readValidated', () => {
  it('reads the same from Parquet as from JSON lines', async () => {
    const parquet = join(await temporaryFolder(), 'validated.parquet')
    execFileSync('.venv/bin/python', ['-c', TO_PARQUET, VALIDATED, parquet])
    const judgedIn = async (path: string) =>
      (await Array.fromAsync(readValidated(path))).flatMap((row) =>
        'judged' in row ? [[row.judged.candidate, row.judged.given, row.judged.task.reference]] : [],
      )
    expect(await judgedIn(parquet)).toEqual(await judgedIn(VALIDATED))
    expect(await judgedIn(parquet)).toHaveLength(4)
  })

  it('refuses a damaged Parquet file by its name, and an ending that is not read', async () => {
    const path = join(await temporaryFolder(), 'damaged.parquet')
    await writeFile(path, 'PAR1 this is none')
    await expect(Array.fromAsync(readValidated(path))).rejects.toMatchObject({
      code: 'unreadable_parquet',
      message: expect.stringContaining('damaged.parquet is not a readable Parquet file'),
    })
    await expect(Array.fromAsync(readValidated('rows.csv'))).rejects.toThrow(/files ending in \.csv are not read/)
  })

  it('reads columns that go by other names, also nested ones, and says which it did not find', async () => {
    const theirs = { problem: 'relu', answer: { text: 'def f(x): return x\n' }, gain: 2, other: 1 }
    const columns = { task_name: 'problem', code: 'answer.text', speedup_eager: 'gain', hardware: 'gpu' }
    const [row] = await read([theirs], columns)
    expect(row).toMatchObject({
      judged: {
        candidate: { sources: [{ content: 'def f(x): return x\n' }] },
        task: { name: 'relu' },
        given: { speedup_eager: 2 },
      },
      unknown: ['other'],
      absent: ['gpu'],
    })
  })

  it('reads a column under its other name alone, whatever goes by its own', async () => {
    const [row] = await read([{ ...ROW, speedup_eager: 9, gain: 3 }], { speedup_eager: 'gain' })
    expect(row).toMatchObject({ judged: { given: { speedup_eager: 3 } } })
  })

  it('takes what holds for the whole file where a row says nothing', async () => {
    const rows = await read([ROW, { ...ROW, generator: 'theirs' }], {}, { generator: 'a-model', hardware: 'H100' })
    expect(rows).toMatchObject([
      { judged: { candidate: { generator: 'a-model' }, given: { hardware: 'H100' } } },
      { judged: { candidate: { generator: 'theirs' } } },
    ])
  })

  it('takes truth values for verdicts, and no other value that is none', async () => {
    const rows = await read([true, false, 'fine', 1].map((status) => ({ ...ROW, status })))
    expect(rows).toMatchObject([
      { judged: { given: { status: 'PASSED' } } },
      { judged: { given: { status: 'INCORRECT_NUMERICAL' } } },
      { reason: 'bad_value', detail: expect.stringContaining('row 3, column status') },
      { reason: 'bad_value', detail: expect.stringContaining('row 4, column status') },
    ])
  })

  it.each([{ speedup_eager: -1 }, { speedup_eager_ci_low: 0 }, { latency_ms: -1 }, { reasoning_tokens: -1 }])(
    'takes no figure that stands for none: %o',
    async (figure) => {
      const [name] = Object.keys(figure)
      const [row] = await read([{ ...ROW, ...figure }])
      expect(row).toMatchObject({ reason: 'bad_value', detail: expect.stringContaining(`row 1, column ${name}`) })
    },
  )

  it('names the columns of a Parquet file that nobody reads, and those of one that has no other', async () => {
    const path = join(await temporaryFolder(), 'rows.parquet')
    const column = (name: string) => ({ name, type: 'string', nullable: true, description: '' }) as const
    const sink = openParquet(path, ['task_name', 'gain', 'mine'].map(column))
    await sink.write({ task_name: 'relu', gain: null, mine: null })
    await sink.close()
    expect(await unreadColumns(path, { speedup_eager: 'gain' })).toEqual(['mine'])
    const others = openParquet(path, ['gain', 'mine'].map(column))
    await others.close()
    await expect(Array.fromAsync(readValidated(path))).rejects.toMatchObject({
      code: 'missing_column',
      hint: expect.stringMatching(/input_columns.*the file has gain, mine\.$/),
    })
  })

  it('makes claims of what a row says, and lets no row say that it makes none', async () => {
    const [said, silent] = await read([
      { ...ROW, is_claimed: false },
      { task_name: 'relu', code: 'x' },
    ])
    const factsOf = async (row: typeof said) =>
      row !== undefined && 'judged' in row ? ownFacts(row.judged, row.judged.given) : null
    expect(await factsOf(said)).toMatchObject({ is_claimed: true, status: 'PASSED' })
    expect(await factsOf(silent)).toMatchObject({ is_claimed: null, status: null })
  })
})
