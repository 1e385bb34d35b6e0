import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { CandidateView } from './report-data.ts'
import type { FunnelStage } from '../run/funnel.ts'

/** What each stage passed on and rejected, as SVG text; stages that only write files are left out. */
export function drawFunnel(funnel: readonly FunnelStage[]): string {
  const shown = funnel.filter(({ stage }) => PASSED_ON[stage] !== undefined)
  const bars = shown.flatMap(({ stage, written, rejected }) => {
    const table = PASSED_ON[stage] ?? ''
    const refused = rejected.reduce((sum, { count }) => sum + count, 0)
    return [
      { stage, kind: 'passed on', rows: written[table] ?? 0, unit: table },
      { stage, kind: 'rejected', rows: refused, unit: 'rejected' },
    ]
  })
  return draw({
    height: 50 + 44 * shown.length,
    marginLeft: 70,
    marginRight: 100,
    x: { label: 'rows', grid: true },
    y: { label: null, axis: null },
    fy: { label: null, domain: shown.map(({ stage }) => stage) },
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
    // A few candidates would be counted in fifths of one.
    y: {
      label: 'candidates',
      grid: true,
      tickFormat: (count: number) => (Number.isInteger(count) ? String(count) : ''),
    },
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
    y: {
      label: 'speedup over eager PyTorch',
      type: 'log',
      base: 2,
      tickFormat: (factor: number) => `${formatFactor(factor)}×`,
    },
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
    marginRight: 40,
    x: { label: 'rows', grid: true },
    y: { label: null, domain: reasons.map(({ reason }) => reason) },
    marks: [
      Plot.barX(reasons, { x: 'count', y: 'reason', fill: REJECTED }),
      Plot.text(reasons, { x: 'count', y: 'reason', text: 'count', dx: 4, textAnchor: 'start' }),
      Plot.ruleX([0]),
    ],
  })
}

/** The table of each stage that goes on to the next: the other tables say something about its rows. */
const PASSED_ON: Readonly<Partial<Record<FunnelStage['stage'], string>>> = {
  mine: 'kernels',
  pair: 'candidates',
  generate: 'candidates',
  validate: 'evaluations',
  filter: 'selected',
}

/** The colours of what was selected and of what was not, for a legend. */
export const KINDS = { selected: '#2a78b8', refused: '#d08a2e' } as const
const PASSED = KINDS.selected
const REJECTED = KINDS.refused

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

function label({ rows, unit, kind }: { rows: number; unit: string; kind: string }): string {
  return rows === 0 && kind === 'rejected' ? '' : `${rows} ${unit}`
}
