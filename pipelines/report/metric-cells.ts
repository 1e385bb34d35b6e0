import type { QualityMetrics } from './quality-metrics.ts'

/** The head of a table of metrics. */
export const METRIC_HEAD = [
  'source',
  'language',
  'model',
  'tasks',
  'samples',
  'pass@1',
  'pass@5',
  'fast_1',
  'fast_2',
  'sure_1',
  'speedup@1',
  'speedup@5',
  'efficiency@1',
  'efficiency@5',
  'Perf@5',
  'similarity',
]

/** The metrics of one group as cells; what was not measured is a dash. */
export function metricCells(metrics: QualityMetrics): string[] {
  const { source, language, generator, tasks, samples } = metrics
  const figures = [
    metrics.pass_at_1,
    metrics.pass_at_5,
    metrics.fast_1,
    metrics.fast_2,
    metrics.sure_1,
    metrics.speedup_at_1,
    metrics.speedup_at_5,
    metrics.efficiency_at_1,
    metrics.efficiency_at_5,
    metrics.perf_at_5,
    metrics.similarity,
  ]
  const text = figures.map((figure) => (figure === null ? '–' : figure.toFixed(2)))
  return [source, language, generator ?? 'people', String(tasks), String(samples), ...text]
}
