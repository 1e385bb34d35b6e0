import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot, packageVersion } from '../core/package-root.ts'
import type { FunnelStage } from '../run/funnel.ts'
import { KINDS, drawFunnel, drawLengthAgainstSpeedup, drawReasons, drawSpeedups } from './charts.ts'
import { MAX_TEXTS } from './report-data.ts'
import { DEFINITIONS } from './quality-metrics.ts'
import type { QualityMetrics } from './quality-metrics.ts'
import { METRIC_HEAD, metricCells } from './metric-cells.ts'
import type { ReportData } from './report-data.ts'

/**
 * The report as one HTML file that needs no network. Code and reasoning in it are hostile text: they reach the page as
 * JSON and as text nodes only, and a content security policy forbids every script but the report's own.
 */
export async function renderReport(data: ReportData): Promise<string> {
  const script = await readAsset('row-browser.js')
  const style = await readAsset('report.css')
  const scriptHash = createHash('sha256').update(script).digest('base64')
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${scriptHash}'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(data.name)} · curate</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    ...body(data),
    `<script type="application/json" id="rows">${embedJson(data.candidates)}</script>`,
    `<script>${script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

function body(data: ReportData): string[] {
  const selected = data.candidates.filter((candidate) => candidate.selected).length
  return [
    `<header><h1>${escapeHtml(data.name)}</h1>`,
    `<p>${selected} of ${data.candidates.length} candidates selected. Written by curate ${escapeHtml(packageVersion)}.</p></header>`,
    '<main>',
    chart('Funnel', drawFunnel(data.funnel), ''),
    `<section>${funnelTable(data.funnel)}</section>`,
    chart(
      'Speedup',
      withLegend(drawSpeedups(data.candidates)),
      'No candidate was timed: that takes a GPU or C++ kernels, and a machine that does nothing else meanwhile.',
    ),
    chart(
      'Reasoning length against speedup',
      withLegend(drawLengthAgainstSpeedup(data.candidates)),
      'No timed candidate has a reasoning trace.',
    ),
    metricsSection(data.metrics),
    chart('Reasons for rejection', drawReasons(data.funnel), 'Nothing was rejected.'),
    ...rowBrowser(data),
    '</main>',
  ]
}

function chart(title: string, svg: string | null, absent: string): string {
  return `<section><h2>${title}</h2>${svg ?? `<p class="absent">${absent}</p>`}</section>`
}

function withLegend(svg: string | null): string | null {
  const items = Object.entries(KINDS).map(([kind, colour]) => `<span style="color: ${colour}">●</span> ${kind}`)
  return svg === null ? null : `<p class="legend">${items.join(' &nbsp; ')}</p>${svg}`
}

function funnelTable(funnel: readonly FunnelStage[]): string {
  const rows = funnel.map((stage) => {
    const cells = [
      stage.stage,
      `${stage.shardsDone}/${stage.shards}`,
      renderCounts(stage.read),
      renderCounts(stage.written),
      `${(stage.duration_ms / 1000).toFixed(1)}${NO_BREAK}s`,
    ]
    return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`
  })
  const head = ['stage', 'shards', 'read', 'written', 'time'].map((name) => `<th>${name}</th>`).join('')
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function renderCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([table, count]) => `${count}${NO_BREAK}${table}`)
    .join(', ')
}

// A number and what it counts stand on one line.
const NO_BREAK = '\u00a0'

function metricsSection(metrics: readonly QualityMetrics[]): string {
  if (metrics.length === 0) return '<section><h2>Quality</h2><p class="absent">No candidate was judged.</p></section>'
  const cells = (values: readonly string[], tag: string): string =>
    `<tr>${values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join('')}</tr>`
  const rows = metrics.map((each) => cells(metricCells(each), 'td'))
  const notes = Object.entries(DEFINITIONS).map(
    ([name, text]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd>`,
  )
  return `<section class="wide"><h2>Quality</h2><table><thead>${cells(METRIC_HEAD, 'th')}</thead><tbody>${rows.join('')}</tbody></table><dl>${notes.join('')}</dl></section>`
}

function rowBrowser(data: ReportData): string[] {
  const cut =
    data.candidates.length > MAX_TEXTS ? `<p class="absent">Code is included for the first ${MAX_TEXTS} rows.</p>` : ''
  return [
    '<section id="browser"><h2>Candidates</h2>',
    cut,
    '<form id="filters"><input type="search" name="text" placeholder="task, id, repository" aria-label="Search">',
    ...['status', 'language', 'origin', 'selected'].map(
      (name) => `<select name="${name}" aria-label="${name}"><option value="">${name}: all</option></select>`,
    ),
    '<output id="count"></output></form>',
    `<div class="split"><div class="list"><table><thead><tr>${COLUMNS.map(columnHead).join('')}</tr></thead>`,
    '<tbody id="list"></tbody></table></div>',
    '<div id="detail" tabindex="0"><p class="absent">Choose a row.</p></div></div></section>',
  ]
}

/** Column of the list → what it is sorted by, a field of a row. */
const COLUMNS = [
  ['task', 'task_name'],
  ['status', 'status'],
  ['speedup', 'speedup'],
  ['tokens', 'reasoning_tokens'],
  ['language', 'language'],
  ['origin', 'origin'],
  ['decision', 'refused_by'],
] as const

function columnHead([title, field]: (typeof COLUMNS)[number]): string {
  return `<th><button type="button" data-field="${field}">${title}</button></th>`
}

// A `<` in JSON can only stand inside a string, where its escape means the same and ends no script element.
function embedJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

async function readAsset(name: string): Promise<string> {
  return readFile(join(packageRoot, 'pipelines', 'report', name), 'utf8')
}
