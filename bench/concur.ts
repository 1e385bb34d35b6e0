import { mkdir, readFile, rm } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { openDatabase, quotePath } from '../pipelines/core/duckdb.ts'
import type { Database } from '../pipelines/core/duckdb.ts'
import { runProcess } from './selection/run-curate.ts'

// `node bench/concur.ts --python PYTHON`, with `pyarrow`: the recipe `concur` from a file as ConCuR's is to the dataset, with all three parts
// of its rule and with every smaller set of them. Each set is asked for in two ways, of which both must keep exactly the rows that
// concur/rows.py works out: as an option of the recipe, and as a filter on the config `candidates` of the dataset with all parts.

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '1000' },
    python: { type: 'string', default: '.venv/bin/python' },
    folder: { type: 'string', default: 'work/bench-concur' },
  },
})
const folder = resolve(values.folder)
const here = join(import.meta.dirname, 'concur')
const [rows, expected] = [join(folder, 'rows.arrow'), join(folder, 'expected.json')]
await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
execFileSync(values.python, [join(here, 'rows.py'), rows, expected, '--tasks', values.tasks])
const Expected = z.object({ rows: z.int(), correct: z.int(), kept: z.record(z.string(), z.array(z.string())) })
const known = Expected.parse(JSON.parse(await readFile(expected, 'utf8')))
console.log(`${known.rows} rows, of which ${known.correct} claim to be right`)

const whole = select('whole', [])
const config = quotePath(join(whole, 'export', 'all', 'dataset', 'candidates', 'train-00000-of-00001.parquet'))
const database = await openDatabase(join(folder, 'database'), new AbortController().signal)
try {
  for (const [chosen, codes] of Object.entries(known.kept)) {
    const flags = chosen.split(',').map((part) => `list_contains(selected_by, 'concur@1:${part}')`)
    const byFilter = await codesOf(database, `list_contains(selected_by, 'passed@3') AND (${flags.join(' OR ')})`)
    const isWhole = chosen === Object.keys(known.kept).at(-1)
    const run = isWhole ? whole : select(chosen, ['--stage', 'filter', '--set', `filters.concur.parts=[${chosen}]`])
    const selected = quotePath(join(run, 'filter', 'all', 'selected.parquet'))
    const byOption = await codesOf(database, `candidate_id IN (SELECT candidate_id FROM read_parquet(${selected}))`)
    const wrong = [byFilter, byOption].map((found) => differenceOf(found, new Set(codes)))
    console.log(
      `${chosen}: expected ${codes.length}, by filter ${byFilter.size}, by option ${byOption.size}, different ${wrong.join(' and ')}`,
    )
    if (wrong.some((count) => count > 0)) process.exitCode = 1
  }
} finally {
  await database.close()
}

function select(name: string, overrides: readonly string[]): string {
  const directory = join(folder, name)
  const args = ['--recipe', join(here, 'recipe.yaml'), '--input', rows, '--work-dir', directory]
  runProcess([...args, ...overrides])
  return join(directory, 'bench-concur')
}

async function codesOf(opened: Database, condition: string): Promise<Set<string>> {
  const found = new Set<string>()
  for await (const row of opened.query(`SELECT code FROM read_parquet(${config}) WHERE ${condition}`))
    found.add(String(row['code']))
  return found
}

function differenceOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  return [...a].filter((code) => !b.has(code)).length + [...b].filter((code) => !a.has(code)).length
}
