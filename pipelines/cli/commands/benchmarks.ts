import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { git } from '../../../extractors/sources/git.ts'
import { INDEX_FILE, indexProblems, readIndex, renderIndex } from '../../../filters/benchmarks/benchmark-index.ts'
import type { Problem } from '../../../filters/benchmarks/benchmark-index.ts'
import { BENCHMARKS } from '../../../filters/benchmarks/benchmark-list.ts'
import type { Benchmark } from '../../../filters/benchmarks/benchmark-list.ts'
import { writeFileAtomic } from '../../core/atomic-file.ts'
import { silentLog } from '../../core/log.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { renderTable } from '../reporter/text-table.ts'

/** `curate benchmarks`: the benchmarks that rows are compared with; `--update` builds their index anew from their own files. */
export async function showBenchmarks(
  { update }: { update: boolean },
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number> {
  const problems = update ? await readBenchmarks(signal) : readIndex()
  if (update) await writeFileAtomic(INDEX_FILE, renderIndex(problems))
  const counts = BENCHMARKS.map(({ id, url, commit }) => ({ id, url, commit, problems: countOf(id, problems) }))
  const rows = counts.map(({ id, url, commit, problems: count }) => [id, String(count), url, commit.slice(0, 12)])
  reporter.result(renderTable(['benchmark', 'problems', 'address', 'commit'], rows), { benchmarks: counts })
  return 0
}

function countOf(id: string, problems: readonly Problem[]): number {
  return problems.filter((problem) => problem.id.startsWith(`${id}/`)).length
}

async function readBenchmarks(signal: AbortSignal): Promise<Problem[]> {
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'curate-benchmarks-'))
  try {
    const problems: Problem[] = []
    for (const benchmark of BENCHMARKS) {
      problems.push(...indexProblems(benchmark, await readTexts(benchmark, cacheDirectory, signal)))
    }
    return problems
  } finally {
    await rm(cacheDirectory, { recursive: true, force: true })
  }
}

async function readTexts(
  { url, commit, problems }: Benchmark,
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
      if (content !== null) texts.set(problems.exec(path)?.groups?.['name'] ?? path, content.toString('utf8'))
    }
    return texts
  } finally {
    await repository.close()
  }
}
