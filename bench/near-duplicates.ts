import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { wordsOf } from '../filters/clusters/abstract-words.ts'
import { SIGNATURE_LENGTH, signatureOf } from '../filters/clusters/minhash.ts'
import { nearClusters } from '../filters/clusters/near-clusters.ts'
import { openDatabase, quotePath } from '../pipelines/core/duckdb.ts'
import { readParquet } from '../pipelines/core/parquet.ts'

// `node bench/near-duplicates.ts --rows 20000 --python PYTHON`: our clusters beside datasketch's over the same codes, of which it is known
// what is a copy of what. PYTHON must have `datasketch` and `pyarrow`.

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '20000' }, python: { type: 'string', default: 'python3' } },
})
const folder = await mkdtemp(join(tmpdir(), 'curate-near-'))
const input = join(folder, 'synthetic.parquet')
try {
  const database = await openDatabase(join(folder, 'database'), new AbortController().signal)
  const sql = await readFile(join(import.meta.dirname, 'selection', 'synthetic.sql'), 'utf8')
  await database.run(
    sql
      .replaceAll(/^--.*$/gm, '')
      .replace('$rows', values.rows)
      .replace('$path', quotePath(input)),
  )
  await database.close()
  const truth = new Map<string, string>()
  const codes: { id: string; code: string }[] = []
  for await (const row of readParquet(input, ['candidate_id', 'code', 'copy_of'])) {
    codes.push({ id: String(row['candidate_id']), code: String(row['code']) })
    if (typeof row['copy_of'] === 'string') truth.set(String(row['candidate_id']), row['copy_of'])
  }
  report('curate', ours(codes), truth)
  report('datasketch', theirs(), truth)
} finally {
  await rm(folder, { recursive: true, force: true })
}

interface Found {
  readonly seconds: number
  readonly pairs: readonly (readonly [string, string])[]
}

function ours(codes: readonly { id: string; code: string }[]): Found {
  const started = performance.now()
  const signatures = new Uint32Array(codes.length * SIGNATURE_LENGTH)
  for (const [index, { code }] of codes.entries()) {
    signatures.set(signatureOf(wordsOf(code, 'python')) ?? [], index * SIGNATURE_LENGTH)
  }
  const firsts = nearClusters({ values: signatures, count: codes.length })
  const seconds = (performance.now() - started) / 1000
  const pairs = codes.flatMap(({ id }, index): [string, string][] => {
    const first = firsts[index] ?? index
    return first === index ? [] : [[codes[first]?.id ?? '', id]]
  })
  return { seconds, pairs }
}

function theirs(): Found {
  const printed = execFileSync(values.python, [join(import.meta.dirname, 'near-duplicates.py'), input], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  })
  return z.object({ seconds: z.number(), pairs: z.array(z.tuple([z.string(), z.string()])) }).parse(JSON.parse(printed))
}

function report(name: string, { seconds, pairs }: Found, truth: ReadonlyMap<string, string>): void {
  const right = new Set(pairs.filter(([first, copy]) => truth.get(copy) === first).map(([, copy]) => copy))
  const wrong = pairs.filter(([first, copy]) => truth.get(copy) !== first).length
  console.log(
    `${name}: ${seconds.toFixed(1)} s, found ${right.size} of ${truth.size} copies, ${wrong} pairs that are none`,
  )
}
