import type { FunnelStage } from '../../run/funnel.ts'
import { renderTable, terminalWidth, visibleLength } from './text-table.ts'
import type { Alignment } from './text-table.ts'
import { formatBytes, formatDuration } from './units.ts'

/**
 * The funnel as a table: what each stage read, wrote and rejected; and below it the failures, and the reasons for rejection,
 * most frequent first. Where the terminal is narrow, the columns that matter least are left out.
 */
export function renderFunnel(funnel: readonly FunnelStage[], maxReasons = 6, width = terminalWidth()): string {
  const reasons = renderReasons(funnel, maxReasons, width)
  return [renderStages(funnel, width), ...(reasons === null ? [] : ['', reasons])].join('\n')
}

interface Column {
  readonly title: string
  readonly alignment: Alignment
  readonly cell: (stage: FunnelStage) => string
}

const COLUMNS: readonly Column[] = [
  { title: 'stage', alignment: 'left', cell: ({ stage }) => stage },
  { title: 'shards', alignment: 'right', cell: ({ shards, shardsDone }) => `${shardsDone}/${shards}` },
  { title: 'read', alignment: 'left', cell: ({ read }) => renderCounts(read) },
  { title: 'written', alignment: 'left', cell: ({ written }) => renderCounts(withoutRejects(written)) },
  { title: 'rejected', alignment: 'right', cell: ({ rejected }) => String(sumOf(rejected) || '') },
  { title: 'time', alignment: 'right', cell: (stage) => ifBegun(stage, formatDuration(stage.duration_ms)) },
  { title: 'memory', alignment: 'right', cell: (stage) => ifBegun(stage, formatBytes(stage.peak_memory_bytes)) },
]

function ifBegun({ shardsDone }: FunnelStage, text: string): string {
  return shardsDone === 0 ? '' : text
}

/** What goes first where there is no room. */
const DISPENSABLE = ['memory', 'shards', 'read', 'time']

function renderStages(funnel: readonly FunnelStage[], width: number): string {
  for (let left = 0; ; left += 1) {
    const columns = COLUMNS.filter(({ title }) => !DISPENSABLE.slice(0, left).includes(title))
    const rows = funnel.map((stage) => columns.map(({ cell }) => cell(stage)))
    const alignments = columns.map(({ alignment }) => alignment)
    const titles = columns.map(({ title }) => title)
    const table = renderTable(titles, rows, alignments, Number.POSITIVE_INFINITY)
    if (left === DISPENSABLE.length || visibleLength(table) <= width) return table
  }
}

function renderReasons(funnel: readonly FunnelStage[], maxReasons: number, width: number): string | null {
  const rows = funnel.flatMap(({ stage, failures, rejected }) => {
    const hidden = rejected.slice(maxReasons)
    return [
      ...failures.map(({ shard, failure }) => [stage, 'FAILED', `${shard}: ${failure.code}`]),
      ...rejected.slice(0, maxReasons).map(({ reason, count }) => [stage, String(count), reason]),
      ...(hidden.length === 0 ? [] : [[stage, String(sumOf(hidden)), `for ${hidden.length} other reasons`]]),
    ]
  })
  if (rows.length === 0) return null
  return renderTable(['stage', 'rejected', 'reason'], rows, ['left', 'right', 'left'], width)
}

function sumOf(rejected: FunnelStage['rejected']): number {
  return rejected.reduce((sum, { count }) => sum + count, 0)
}

function withoutRejects(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([table]) => table !== 'rejects'))
}

function renderCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([table, count]) => `${count} ${table}`)
    .join('\n')
}
