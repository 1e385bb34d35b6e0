import type { FunnelStage } from '../../run/funnel.ts'
import { renderTable } from './text-table.ts'
import { formatBytes, formatDuration } from './units.ts'

/** The funnel as a table: what each stage read, wrote and rejected, and the reasons, most frequent first. */
export function renderFunnel(funnel: readonly FunnelStage[], maxReasons = 6): string {
  const rows = funnel.map((stage) => [
    stage.stage,
    `${stage.shardsDone}/${stage.shards}`,
    renderCounts(stage.read),
    renderCounts(withoutRejects(stage.written)),
    String(stage.rejected.reduce((sum, { count }) => sum + count, 0) || ''),
    formatDuration(stage.duration_ms),
    formatBytes(stage.peak_memory_bytes),
    renderReasons(stage, maxReasons),
  ])
  const head = ['stage', 'shards', 'read', 'written', 'rejected', 'time', 'memory', 'reasons']
  return renderTable(head, rows, ['left', 'right', 'left', 'left', 'right', 'right', 'right', 'left'])
}

function withoutRejects(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([table]) => table !== 'rejects'))
}

function renderCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([table, count]) => `${count} ${table}`)
    .join('\n')
}

function renderReasons(stage: FunnelStage, maxReasons: number): string {
  const shown = stage.rejected.slice(0, maxReasons).map(({ reason, count }) => `${count} ${reason}`)
  const hidden = stage.rejected.length - shown.length
  const failures = stage.failures.map(({ shard, failure }) => `FAILED ${shard}: ${failure.code}`)
  return [...failures, ...shown, ...(hidden > 0 ? [`and ${hidden} more reasons`] : [])].join('\n')
}
