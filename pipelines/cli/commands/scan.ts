import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../core/log.ts'
import { scanRepository } from '../../run/repository-scan.ts'
import type { RepositoryScan, ScannedPair } from '../../run/repository-scan.ts'
import type { Reporter } from '../reporter/reporter.ts'
import { renderTable } from '../reporter/text-table.ts'

/** `curate scan PATH_OR_URL`: the kernels of one repository and their references, without a recipe, a work folder or Python. */
export async function scan(
  address: string,
  options: { at?: string },
  reporter: Reporter,
  signal: AbortSignal,
): Promise<number> {
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'curate-scan-'))
  try {
    const context = { cacheDirectory, signal, log: silentLog }
    const found = await scanRepository(address, options.at ?? null, context, (part, done, total) =>
      reporter.progress(part, 'files', done, total),
    )
    const lines = [...found.kernels, ...found.pairs, found.summary]
    reporter.records(renderScan(found), lines)
    return 0
  } finally {
    await rm(cacheDirectory, { recursive: true, force: true })
  }
}

function renderScan({ kernels, pairs, summary }: RepositoryScan): string {
  const byKernel = Map.groupBy(pairs, ({ kernel }) => kernel)
  const rows = kernels.map(({ language, entry_point, start_line, end_line, role }) => [
    language,
    `${entry_point}:${start_line}-${end_line}`,
    role === 'helper' ? 'helper' : referenceText(byKernel.get(entry_point) ?? []),
  ])
  const counts = Object.entries(summary.kernels).map(([language, count]) => `${count} ${language}`)
  return [
    rows.length === 0 ? 'No kernel was found.' : renderTable(['language', 'kernel', 'reference'], rows),
    '',
    `${summary.repository} at ${summary.commit_sha}`,
    `kernels: ${counts.length === 0 ? 'none' : counts.join(', ')}`,
    `with a reference: ${summary.kernels_with_pair}; pairs: ${summary.pairs}, self-contained: ${summary.self_contained_pairs}`,
    ...reasons('without a self-contained pair', summary.unpaired),
    ...reasons('left out by mining', summary.rejects),
  ].join('\n')
}

function referenceText(pairs: readonly ScannedPair[]): string {
  const [best] = pairs.toSorted((a, b) => Number(b.self_contained) - Number(a.self_contained))
  if (best === undefined) return '-'
  const { symbol, expression, path, line } = best.reference
  const text = symbol ?? (expression.length > 40 ? `${expression.slice(0, 39)}…` : expression)
  return `${text} (${path}:${line})${best.reason === null ? '' : ` not cut out: ${best.reason}`}`
}

function reasons(title: string, counts: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(counts).toSorted(([, a], [, b]) => b - a)
  return entries.length === 0 ? [] : [`${title}: ${entries.map(([reason, count]) => `${reason} ${count}`).join(', ')}`]
}
