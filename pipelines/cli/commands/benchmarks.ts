import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { git } from '../../../extractors/sources/git.ts'
import { INDEX_FILE, indexProblems, readIndex, renderIndex } from '../../../filters/benchmarks/benchmark-index.ts'
import type { Problem } from '../../../filters/benchmarks/benchmark-index.ts'
import { BENCHMARKS } from '../../../filters/benchmarks/benchmark-list.ts'
import type { Benchmark } from '../../../filters/benchmarks/benchmark-list.ts'
import type { ReadProblems } from '../../../filters/benchmarks/problem-texts.ts'
import { openGraphTracer } from '../../../validators/graph-tracer.ts'
import type { GraphTracer } from '../../../validators/graph-tracer.ts'
import { writeFileAtomic } from '../../core/atomic-file.ts'
import { usageError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { renderTable } from '../reporter/text-table.ts'

/**
 * `curate benchmarks`: the benchmarks that rows are compared with; `--update` builds their index anew from their own files, `--only`
 * that of one of them.
 */
export async function showBenchmarks(
  { update, only = null }: { update: boolean; only?: string | null },
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number> {
  const known = readIndex()
  const wanted = BENCHMARKS.filter(({ id }) => only === null || id === only)
  if (wanted.length === 0) {
    throw usageError(`there is no benchmark ${only}`, `Benchmarks are: ${BENCHMARKS.map(({ id }) => id).join(', ')}.`)
  }
  const found = update ? await readBenchmarks(wanted, reporter, signal) : known
  const problems = update
    ? BENCHMARKS.flatMap(({ id }) => problemsOf(id, wanted.some((each) => each.id === id) ? found : known))
    : known
  if (update) await writeFileAtomic(INDEX_FILE, renderIndex(problems))
  const counts = BENCHMARKS.map(({ id, url, commit }) => ({ id, url, commit, ...countsOf(id, problems) }))
  const rows = counts.map(({ id, url, commit, problems: count, graphs }) => [
    id,
    String(count),
    String(graphs),
    commit.slice(0, 12),
    // Last, where what is too wide for a terminal goes on in another line.
    url,
  ])
  const head = ['benchmark', 'problems', 'with graph', 'commit', 'address']
  reporter.result(renderTable(head, rows), { benchmarks: counts })
  return 0
}

function problemsOf(id: string, problems: readonly Problem[]): Problem[] {
  return problems.filter((problem) => problem.id.startsWith(`${id}/`))
}

function countsOf(id: string, problems: readonly Problem[]): { problems: number; graphs: number } {
  const own = problemsOf(id, problems)
  return { problems: own.length, graphs: own.filter(({ graph }) => graph !== null).length }
}

async function readBenchmarks(
  wanted: readonly Benchmark[],
  reporter: Reporter,
  signal: AbortSignal,
): Promise<Problem[]> {
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'curate-benchmarks-'))
  const tracer = await openGraphTracer({ cacheFolder: cacheDirectory, signal })
  try {
    const textsOf = new Map<Benchmark, Map<string, string>>()
    for (const benchmark of wanted) textsOf.set(benchmark, await readTexts(benchmark, cacheDirectory, signal))
    const problems: Problem[] = []
    for (const [benchmark, texts] of textsOf) {
      const graphs = await graphsOf(benchmark, texts, tracer, reporter)
      problems.push(...indexProblems(benchmark, texts, graphs))
    }
    return problems
  } finally {
    await tracer.close()
    await rm(cacheDirectory, { recursive: true, force: true })
  }
}

// Problems in the form of KernelBench are programs that can be traced; others are texts or functions without inputs.
async function graphsOf(
  { id, language }: Benchmark,
  texts: ReadonlyMap<string, string>,
  tracer: GraphTracer,
  reporter: Reporter,
): Promise<Map<string, string>> {
  const graphs = new Map<string, string>()
  const programs = [...texts].filter(([, text]) => language === 'python' && /^class Model\b/m.test(text))
  let done = 0
  const traced = programs.map(async ([name, text]) => {
    const { graph } = await tracer.trace(text)
    if (graph !== null) graphs.set(name, graph)
    done += 1
    reporter.progress(id, 'graphs', done, programs.length)
  })
  await Promise.all(traced)
  return graphs
}

const wholeFile: ReadProblems = (name, text) => new Map([[name, text]])

async function readTexts(
  { url, commit, problems, read = wholeFile }: Benchmark,
  cacheDirectory: string,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const context = { cacheDirectory, signal, log: silentLog }
  const options = git.options.parse({ url, commit })
  const repository = await git.open(options, await git.resolve(options, context), context)
  try {
    const files = (await repository.listFiles()).filter(({ path, special }) => special === null && problems.test(path))
    const texts = new Map<string, string>()
    for await (const { path, content } of repository.readFiles(files.map(({ path }) => path))) {
      if (content === null) continue
      const name = problems.exec(path)?.groups?.['name'] ?? path
      for (const [problem, text] of read(name, content.toString('utf8'))) texts.set(problem, text)
    }
    return texts
  } finally {
    await repository.close()
  }
}
