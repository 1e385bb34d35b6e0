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
const database = await openDatabase(join(folder, 'database'), new AbortController().signal)
try {
  for (const [chosen, codes] of Object.entries(known.kept)) {
    const parts = chosen.split(',')
    const flags = parts.map((part) => `list_contains(selected_by, 'concur@1:${part}')`).join(' OR ')
    const byFilter = await codesOf(database, whole, `list_contains(selected_by, 'passed@3') AND (${flags})`)
    const run =
      chosen === Object.keys(known.kept).at(-1)
        ? whole
        : select(parts.join('-'), ['--set', `filters.concur.parts=[${chosen}]`])
    const byOption = await codesOf(database, run, 'selected')
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
  return join(directory, 'bench-concur', 'export', 'all', 'dataset', 'candidates')
}

async function codesOf(opened: Database, config: string, condition: string): Promise<Set<string>> {
  const found = new Set<string>()
  const query = `SELECT code FROM read_parquet(${quotePath(join(config, 'train-00000-of-00001.parquet'))}) WHERE ${condition}`
  for await (const row of opened.query(query)) found.add(String(row['code']))
  return found
}

function differenceOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  return [...a].filter((code) => !b.has(code)).length + [...b].filter((code) => !a.has(code)).length
}
