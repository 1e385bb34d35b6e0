import { spawnSync } from 'node:child_process'
import { readFile, rm, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openDatabase, quotePath } from '../pipelines/core/duckdb.ts'
import type { Database } from '../pipelines/core/duckdb.ts'
import { readManifest } from '../pipelines/core/manifest.ts'
import { runProcess } from './selection/run-curate.ts'

// `node bench/selection.ts --rows 1000000 [--rules scores]`: selects from synthetic candidates and compares what every rule kept with SQL that shares
// nothing with the filters. Prints seconds, peak memory and the number of rows on which the two disagree, which must be 0; and the
// seconds of that SQL alone, a plain DuckDB script that is told what is a copy of what, computes no fact and keeps no verdict.
// `--python PYTHON`, with `datasketch` and `pyarrow`, also has near duplicates found by both on `--near-rows` of the same codes.
// `--compare-only` looks again at what an earlier run left in the folder.

// `--rules texts` has codes and is what the seconds are about, `--rules scores` has figures alone, for the rules that compare those.
const RULES = {
  texts: {
    name: 'bench-selection',
    files: { rows: 'synthetic.sql', recipe: 'recipe.yaml', expected: 'expected.sql' },
    // Exact and near duplicates are compared together: which of the two filters refuses a copy is not what matters.
    steps: {
      passed: 'passed',
      where: 'predicate',
      conciseness: 'concise',
      'near-dedup': 'distinct_code',
      concur: 'concur',
      caps: 'capped',
    },
    parts: ['concise_and_fast', 'high_speedup'],
    selected: 'capped',
  },
  scores: {
    name: 'bench-scores',
    files: { rows: 'scores.sql', recipe: 'scores.yaml', expected: 'scores-expected.sql' },
    steps: {
      passed: 'right_ones',
      speedup: 'fast',
      roofline: 'not_far',
      'task-score': 'best',
      caps: 'capped',
      diversity: 'diverse',
    },
    parts: [],
    selected: 'diverse',
  },
} as const

const { values } = parseArgs({
  options: {
    rules: { type: 'string', default: 'texts' },
    rows: { type: 'string', default: '1000000' },
    folder: { type: 'string', default: 'work/bench-selection' },
    'compare-only': { type: 'boolean', default: false },
    python: { type: 'string' },
    'near-rows': { type: 'string', default: '30000' },
  },
})
const rules = values.rules === 'scores' ? RULES.scores : RULES.texts
const folder = resolve(values.folder)
const here = join(import.meta.dirname, 'selection')
const input = join(folder, 'synthetic.parquet')
const shard = join(folder, rules.name, 'filter', 'all')
if (!values['compare-only']) await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
const database = await openDatabase(join(folder, 'database'), new AbortController().signal, {
  memoryBytes: 4 * 2 ** 30,
})
try {
  if (!values['compare-only']) await select(database)
  const manifest = await readManifest(shard)
  console.log(
    `rows ${values.rows}, seconds ${((manifest?.duration_ms ?? 0) / 1000).toFixed(0)}, peak memory ${((manifest?.peak_memory_bytes ?? 0) / 2 ** 30).toFixed(2)} GiB`,
  )
  await compare(database, shard)
} finally {
  await database.close()
}
if (values.python !== undefined) {
  const near = [
    join(import.meta.dirname, 'near-duplicates.ts'),
    '--rows',
    values['near-rows'],
    '--python',
    values.python,
  ]
  spawnSync(process.execPath, near, { stdio: 'inherit' })
}

async function select(database: Database): Promise<void> {
  await database.run((await readSql(rules.files.rows)).replace('$rows', values.rows).replace('$path', quotePath(input)))
  runProcess(['--recipe', join(here, rules.files.recipe), '--input', input, '--stage', 'filter', '--work-dir', folder])
}

async function readSql(name: string): Promise<string> {
  const text = await readFile(join(here, name), 'utf8')
  return text.replaceAll(/^--.*$/gm, '')
}

async function compare(database: Database, shard: string): Promise<void> {
  const statements = (await readSql(rules.files.expected)).replaceAll('$path', quotePath(input)).split(';')
  const started = performance.now()
  for (const statement of statements) if (statement.trim() !== '') await database.run(statement)
  console.log(`plain DuckDB script: ${((performance.now() - started) / 1000).toFixed(1)} s`)
  const decisions = `read_parquet(${quotePath(join(shard, 'decisions.parquet'))})`
  for (const [filter, table] of Object.entries(rules.steps)) {
    const kept = `SELECT candidate_id FROM ${decisions} WHERE filter LIKE '${filter}@%' AND keep`
    await report(database, filter, kept, `SELECT candidate_id FROM ${table}`)
  }
  for (const part of rules.parts) {
    const kept = `SELECT candidate_id FROM ${decisions} WHERE filter LIKE 'concur@%' AND parts LIKE '%"${part}"%'`
    await report(database, `concur:${part}`, kept, `SELECT candidate_id FROM part WHERE ${part}`)
  }
  const selected = `SELECT candidate_id FROM read_parquet(${quotePath(join(shard, 'selected.parquet'))})`
  await report(database, 'selected', selected, `SELECT candidate_id FROM ${rules.selected}`)
}

async function report(database: Database, rule: string, found: string, expected: string): Promise<void> {
  const rows =
    database.query(`SELECT count(*) FILTER (f.candidate_id IS NOT NULL) AS found, count(*) FILTER (e.candidate_id IS NOT NULL) AS expected,
    count(*) FILTER (f.candidate_id IS NULL OR e.candidate_id IS NULL) AS different
    FROM (${found}) f FULL JOIN (${expected}) e ON f.candidate_id = e.candidate_id`)
  for await (const row of rows)
    console.log(
      `${rule}: kept ${String(row['found'])}, expected ${String(row['expected'])}, different ${String(row['different'])}`,
    )
}
