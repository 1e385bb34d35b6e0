import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { CandidateView } from './report-data.ts'
import type { FunnelStage } from '../run/funnel.ts'

/** Rows passed on and rejected by each stage, as SVG text. */
export function drawFunnel(funnel: readonly FunnelStage[]): string {
  const bars = funnel.flatMap((stage) => [
    { stage: stage.stage, rows: total(stage.written) - (stage.written['rejects'] ?? 0), kind: 'passed on' },
    { stage: stage.stage, rows: stage.rejected.reduce((sum, { count }) => sum + count, 0), kind: 'rejected' },
  ])
  return draw({
    height: 60 + 44 * funnel.length,
    marginLeft: 70,
    x: { label: 'rows', grid: true },
    y: { label: null, axis: null },
    fy: { label: null, domain: funnel.map(({ stage }) => stage) },
    color: { domain: ['passed on', 'rejected'], range: [PASSED, REJECTED] },
    marks: [
      Plot.barX(bars, { x: 'rows', y: 'kind', fy: 'stage', fill: 'kind' }),
      Plot.text(bars, { x: 'rows', y: 'kind', fy: 'stage', text: (bar) => label(bar), dx: 4, textAnchor: 'start' }),
      Plot.ruleX([0]),
    ],
  })
}

/** How many candidates have which speedup, on a logarithmic axis; null where nothing was timed. */
export function drawSpeedups(candidates: readonly CandidateView[]): string | null {
  const timed = timedOf(candidates).map(({ speedup, ...rest }) => ({ ...rest, log2: Math.log2(speedup) }))
  if (timed.length === 0) return null
  return draw({
    height: 240,
    x: { label: 'speedup over eager PyTorch', tickFormat: (log2: number) => `${formatFactor(2 ** log2)}×` },
    y: { label: 'candidates', grid: true },
    color: { domain: ['selected', 'refused'], range: [PASSED, REJECTED] },
    marks: [
      Plot.rectY(timed, Plot.binX<Plot.RectYOptions>({ y: 'count' }, { x: 'log2', fill: 'kind', interval: 0.5 })),
      Plot.ruleX([0], { strokeDasharray: '4 3' }),
      Plot.ruleY([0]),
    ],
  })
}

/** Length of the reasoning against speedup; null where no candidate has both. */
export function drawLengthAgainstSpeedup(candidates: readonly CandidateView[]): string | null {
  const points = timedOf(candidates).filter(({ reasoning_tokens }) => reasoning_tokens !== null)
  if (points.length === 0) return null
  return draw({
    height: 280,
    grid: true,
    x: { label: 'reasoning, tokens', zero: true },
    y: { label: 'speedup over eager PyTorch', type: 'log', tickFormat: (factor: number) => `${formatFactor(factor)}×` },
    color: { domain: ['selected', 'refused'], range: [PASSED, REJECTED] },
    marks: [
      Plot.ruleY([1], { strokeDasharray: '4 3' }),
      Plot.dot(points, { x: 'reasoning_tokens', y: 'speedup', fill: 'kind', r: 4, title: (point) => point.task_name }),
    ],
  })
}

/** The most frequent reasons for rejection, over all stages; null where nothing was rejected. */
export function drawReasons(funnel: readonly FunnelStage[], most = 20): string | null {
  const reasons = funnel
    .flatMap(({ stage, rejected }) => rejected.map(({ reason, count }) => ({ reason: `${stage} · ${reason}`, count })))
    .sort((a, b) => b.count - a.count)
    .slice(0, most)
  if (reasons.length === 0) return null
  return draw({
    height: 50 + 20 * reasons.length,
    marginLeft: 280,
    x: { label: 'rows', grid: true },
    y: { label: null, domain: reasons.map(({ reason }) => reason) },
    marks: [
      Plot.barX(reasons, { x: 'count', y: 'reason', fill: REJECTED }),
      Plot.text(reasons, { x: 'count', y: 'reason', text: 'count', dx: 4, textAnchor: 'start' }),
      Plot.ruleX([0]),
    ],
  })
}

const PASSED = '#2a78b8'
const REJECTED = '#d08a2e'

function draw(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  return Plot.plot({ document, width: 720, style: { background: 'transparent' }, ...options }).outerHTML
}

function timedOf(candidates: readonly CandidateView[]) {
  return candidates.flatMap(({ speedup, reasoning_tokens, selected, task_name }) =>
    speedup === null ? [] : [{ speedup, reasoning_tokens, task_name, kind: selected ? 'selected' : 'refused' }],
  )
}

function formatFactor(factor: number): string {
  return factor >= 10 ? factor.toFixed(0) : String(Number(factor.toPrecision(2)))
}

function label({ rows, kind }: { rows: number; kind: string }): string {
  return rows === 0 ? '' : `${rows} ${kind}`
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
