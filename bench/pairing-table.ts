/**
 * How far the kernels of repositories come: `node bench/pairing-table.ts [--cpu FOLDER]... [--gpu FOLDER]... [--imports FILE] [--mirrors FOLDER] RUN...`.
 *
 * RUN is the folder of a run that has finished `pair`; FOLDER holds evaluations (`**\/evaluations.parquet`) of any run over the same
 * candidates, on a processor or a GPU, or is a file of verdicts, a JSON line each with `candidate_id` and `status`; FILE is what `bench/pair-imports.py` printed; a folder of mirrors
 * holds one git repository each as `owner+name/repo`, in which `git grep` counts the words that mark kernels, by nothing of ours. Prints Markdown: a row per repository with its
 * kernels by language, those with a reference, with a self-contained pair, imported, passed; and a row with the reasons for the rest. A
 * candidate passed where all its evaluations did.
 */
import { glob, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { readParquet } from '../pipelines/core/parquet.ts'
import { runProcess } from '../pipelines/core/process.ts'
import { candidates } from '../pipelines/core/records/candidate.ts'
import { kernels } from '../pipelines/core/records/kernel.ts'
import type { Kernel } from '../pipelines/core/records/kernel.ts'
import { rejects } from '../pipelines/core/records/reject.ts'
import type { Reject } from '../pipelines/core/records/reject.ts'
import { readTable } from '../pipelines/core/table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cpu: { type: 'string', multiple: true, default: [] },
    gpu: { type: 'string', multiple: true, default: [] },
    imports: { type: 'string' },
    mirrors: { type: 'string' },
  },
})
if (positionals.length === 0) throw new Error('give folders of runs')

const NO_REFERENCE = new Set(['no_test', 'device_helper'])

// `@triton.jit` at the start of a line, and `__global__` anywhere: prototypes, comments and copies included.
const WORDS: readonly (readonly [string, string, readonly string[]])[] = [
  ['@triton.jit', '^[[:space:]]*@(triton\\.)?jit', ['*.py']],
  ['__global__', '__global__', ['*.cu', '*.cuh', '*.h', '*.hpp', '*.hip', '*.cpp', '*.inl']],
]

interface Source {
  readonly name: string
  readonly kernels: readonly Kernel[]
  /** Candidate id to the kernels it is made of. */
  readonly candidates: ReadonlyMap<string, readonly string[]>
  readonly rejects: readonly Reject[]
  /** What `git grep` counts, in words; empty without a mirror. */
  readonly words: string
}

const Verdict = z.object({ candidate_id: z.string(), status: z.string() })

/** Candidate id to whether all its evaluations passed. */
type Verdicts = ReadonlyMap<string, boolean>

const [cpu, gpu] = [await verdictsIn(values.cpu), await verdictsIn(values.gpu)]
const imported = values.imports === undefined ? new Map<string, boolean>() : await importsIn(values.imports)
const sources = (await Promise.all(positionals.map(sourcesOf))).flat().toSorted((a, b) => (a.name < b.name ? -1 : 1))
printTable(sources)
printReasons(sources)

async function sourcesOf(run: string): Promise<Source[]> {
  const names = await readdir(join(run, 'pair'))
  return Promise.all(
    names.map(async (name): Promise<Source> => {
      const [mined, paired] = [join(run, 'mine', name), join(run, 'pair', name)]
      const own = await all(readTable(candidates, join(paired, 'candidates.parquet')))
      const found = await all(readTable(kernels, join(mined, 'kernels.parquet')))
      return {
        name: found[0]?.repo_name ?? name,
        kernels: found,
        candidates: new Map(
          own.filter(({ origin }) => origin === 'mined').map(({ id, kernel_ids }) => [id, kernel_ids ?? []]),
        ),
        rejects: await all(readTable(rejects, join(paired, 'rejects.parquet'))),
        words: found[0] === undefined ? '' : await wordsIn(found[0]),
      }
    }),
  )
}

async function wordsIn({ repo_name, commit_sha }: Kernel): Promise<string> {
  const mirror = values.mirrors === undefined ? null : await mirrorOf(values.mirrors, repo_name, commit_sha)
  if (mirror === null) return ''
  const counts = await Promise.all(
    WORDS.map(async ([name, pattern, paths]) => {
      const args = ['--git-dir', mirror, 'grep', '-ohE', pattern, commit_sha, '--', ...paths]
      const { stdout } = await runProcess('git', args, { maxOutput: 1 << 28 })
      return `${stdout.split('\n').filter((line) => line !== '').length} ${name}`
    }),
  )
  return counts.filter((count) => !count.startsWith('0 ')).join(', ')
}

// A fork has the commits of what it was made from.
async function mirrorOf(folder: string, repository: string, commit: string): Promise<string | null> {
  const name = repository.split('/').at(-1) ?? ''
  const names = (await readdir(folder)).filter((entry) => entry.toLowerCase().endsWith(`+${name.toLowerCase()}`))
  for (const entry of names) {
    const mirror = join(folder, entry, 'repo')
    const { ok } = await runProcess('git', ['--git-dir', mirror, 'cat-file', '-e', commit])
    if (ok) return mirror
  }
  return null
}

async function verdictsIn(folders: readonly string[]): Promise<Verdicts> {
  const verdicts = new Map<string, boolean>()
  const add = ({ candidate_id, status }: z.infer<typeof Verdict>): void => {
    verdicts.set(candidate_id, (verdicts.get(candidate_id) ?? true) && status === 'PASSED')
  }
  for (const folder of folders) {
    if (folder.endsWith('.jsonl')) {
      const lines = (await readFile(folder, 'utf8')).split('\n').filter((line) => line !== '')
      for (const line of lines) add(Verdict.parse(JSON.parse(line)))
      continue
    }
    for await (const path of glob(join(folder, '**/evaluations.parquet'))) {
      // Two columns that every version has: evaluations of an older one are as good.
      for await (const row of readParquet(path, ['candidate_id', 'status'])) {
        add(Verdict.parse(row))
      }
    }
  }
  return verdicts
}

async function importsIn(path: string): Promise<Verdicts> {
  const Line = z.object({ candidate_id: z.string(), error: z.string().nullable() })
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line) => Line.parse(JSON.parse(line))).map(({ candidate_id, error }) => [candidate_id, error === null]),
  )
}

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const found: Row[] = []
  for await (const row of rows) found.push(row)
  return found
}

function printTable(rows: readonly Source[]): void {
  const head = [
    'repository',
    'kernels',
    'by language',
    'words that mark kernels',
    'with a reference',
    'cut out',
    'pairs',
    'imported',
    'passed on a processor',
    'passed on a GPU',
  ]
  console.log(`| ${head.join(' | ')} |\n|${head.map(() => ' --- |').join('')}`)
  const total = rows.map(rowOf)
  for (const row of total) console.log(`| ${row.join(' | ')} |`)
  const sum = (column: number): string => sumOf(total.map((row) => row[column] ?? ''))
  console.log(`| all ${rows.length} | ${sum(1)} | | | ${[4, 5, 6, 7, 8, 9].map(sum).join(' | ')} |`)
}

function rowOf({ name, kernels: own, candidates: pairs, rejects: left, words }: Source): string[] {
  const cut = new Set([...pairs.values()].flat())
  const told = left.filter(({ detail }) => detail?.includes('its reference is at ') === true)
  const languages = [...Map.groupBy(own, ({ language }) => language)].map(
    ([language, of]) => `${of.length} ${language}`,
  )
  const ids = [...pairs.keys()]
  return [
    name,
    String(own.length),
    languages.toSorted().join(', '),
    words,
    String(cut.size + told.length),
    String(cut.size),
    String(ids.length),
    share(ids, imported),
    share(ids, cpu),
    share(ids, gpu),
  ]
}

// `3/4`: of four that were tried three passed; nothing where none was.
function share(ids: readonly string[], verdicts: Verdicts): string {
  const tried = ids.filter((id) => verdicts.has(id))
  return tried.length === 0 ? '' : `${tried.filter((id) => verdicts.get(id) === true).length}/${tried.length}`
}

function sumOf(cells: readonly string[]): string {
  const parts = cells.filter((cell) => cell !== '').map((cell) => cell.split('/').map(Number))
  const width = Math.max(1, ...parts.map(({ length }) => length))
  return Array.from({ length: width }, (_, at) => parts.reduce((sum, part) => sum + (part[at] ?? 0), 0)).join('/')
}

function printReasons(rows: readonly Source[]): void {
  console.log('\n| repository | why the other kernels have no pair that was cut out |\n| --- | --- |')
  for (const { name, rejects: left } of rows) {
    const counts = [...Map.groupBy(left, ({ reason }) => reason)].map(([reason, of]) => ({ reason, count: of.length }))
    const sorted = counts.toSorted((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1))
    const some = sorted.slice(0, 6).map(({ reason, count }) => `${count} \`${reason}\``)
    const rest = sorted.slice(6).reduce((sum, { count }) => sum + count, 0)
    console.log(`| ${name} | ${[...some, ...(rest > 0 ? [`${rest} others`] : [])].join(', ')} |`)
  }
  const kept = rows.flatMap(({ rejects: left }) => left).filter(({ reason }) => !NO_REFERENCE.has(reason)).length
  console.log(`\n${kept} kernels are reached by a test or a benchmark and were left out for another reason than that.`)
}
