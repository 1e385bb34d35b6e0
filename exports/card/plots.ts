import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { DatasetFacts } from './facts.ts'

/** A picture beside the card. */
export interface CardPlot {
  /** Inside the dataset. */
  readonly path: string
  readonly alternative: string
  readonly svg: string
}

/** What is worth seeing of the rows: how fast, and how long the reasonings are. Nothing for figures that no row has. */
export function drawPlots({ speedups, lengths }: Pick<DatasetFacts, 'speedups' | 'lengths'>): CardPlot[] {
  return [
    ...plotOf('speedups', 'Speedup over eager PyTorch', speedups, (factor) => `${Number(factor.toPrecision(2))}×`),
    ...plotOf('reasoning-lengths', 'Length of the reasoning, tokens', lengths, (tokens) => String(Math.round(tokens))),
  ]
}

// Bars over powers of two: counted here, since a million values make no picture.
function plotOf(name: string, label: string, values: readonly number[], format: (value: number) => string): CardPlot[] {
  if (values.length === 0) return []
  const counts = new Map<number, number>()
  for (const value of values) {
    const bin = Math.floor(Math.log2(Math.max(value, 2 ** -20)) * 2) / 2
    counts.set(bin, (counts.get(bin) ?? 0) + 1)
  }
  const bars = [...counts].toSorted(([a], [b]) => a - b).map(([bin, rows]) => ({ from: bin, to: bin + 0.5, rows }))
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const svg = Plot.plot({
    document,
    width: 640,
    height: 240,
    style: { background: 'white', color: 'black' },
    x: { label, tickFormat: (log2: number) => format(2 ** log2) },
    y: { label: 'rows', grid: true },
    marks: [Plot.rectY(bars, { x1: 'from', x2: 'to', y: 'rows', fill: '#3b6fb5', inset: 0.5 }), Plot.ruleY([0])],
  })
  const text = svg.outerHTML.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ')
  return [{ path: `plots/${name}.svg`, alternative: `${label}, ${values.length} rows`, svg: `${text}\n` }]
}
