import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { FunnelStage } from '../../../pipelines/run/funnel.ts'
import type { CandidateView, ReportData } from '../../../pipelines/report/report-data.ts'
import { renderReport } from '../../../pipelines/report/render-report.ts'
import { findChromium } from '../../chromium.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const HOSTILE =
  '</script><script>document.title = "taken"</script><img src="https://example.org/x.png" onerror="document.title=1">'

const executablePath = findChromium()
const skipped = executablePath === null
if (skipped) console.warn('The report is not looked at: no Chromium is found. Install it, or name it with CHROMIUM.')

let browser: Browser
beforeAll(async () => {
  if (executablePath !== null) browser = await chromium.launch({ executablePath, args: QUIET })
})
afterAll(() => browser?.close())

describe.skipIf(skipped)('the report in a browser', () => {
  test('draws the funnel, the speedups, length against speedup and the reasons, with no error and no request', async () => {
    const { page, trouble } = await open(REPORT)
    expect(await page.locator('h1').textContent()).toBe('test <b>run</b>')
    expect(await page.locator('section svg').count()).toBe(4)
    const [funnel, speedups, scatter, reasons] = await page.locator('section svg').all()
    expect(await funnel?.textContent()).toMatch(/40 kernels.*3 rejected.*30 candidates.*12 selected/s)
    expect(await speedups?.locator('rect').count()).toBeGreaterThan(3)
    expect(await page.locator('.legend').allTextContents()).toEqual([
      '● selected   ● refused',
      '● selected   ● refused',
    ])
    expect(await scatter?.locator('circle').count()).toBe(19)
    expect(await reasons?.textContent()).toContain('filter · speedup@1:too_slow')
    expect(trouble).toEqual([])
  })

  test('finds rows by text and by selection, sorts them, and shows the code of the one that is opened', async () => {
    const { page, trouble } = await open(REPORT)
    const rows = page.locator('#list tr')
    expect(await rows.count()).toBe(40)
    await page.getByLabel('Search').fill('task_1')
    expect(await rows.count()).toBe(11)
    await page.getByLabel('status').selectOption('PASSED')
    expect(await page.locator('#count').textContent()).toBe('5 of 40')
    await page.getByLabel('Search').fill('')
    await page.getByRole('button', { name: 'speedup' }).click()
    await page.getByRole('button', { name: 'speedup' }).click()
    expect(await rows.first().locator('td').nth(2).textContent()).toBe('9.50×')
    await rows.first().press('Enter')
    expect(await page.locator('#detail').textContent()).toContain('kernel_of_38')
    await page.getByLabel('status').selectOption('INCORRECT_NUMERICAL')
    await rows.first().click()
    expect(await page.locator('#detail pre').first().textContent()).toMatch(/^# candidate\.py\ndef kernel_of_\d+/)
    expect(trouble).toEqual([])
  })

  test('shows hostile text of a row as text', async () => {
    const { page, trouble } = await open(REPORT)
    await page.getByLabel('Search').fill('hostile')
    await page.locator('#list tr').first().click()
    expect(await page.locator('#detail pre.code').textContent()).toBe(HOSTILE)
    expect(await page.locator('#detail pre.reasoning').textContent()).toBe(HOSTILE)
    expect(await page.locator('#detail img, #list img, #list script').count()).toBe(0)
    expect(await page.title()).toBe('test <b>run</b> · curate')
    expect(trouble).toEqual([])
  })

  test.each([
    ['light', 1400],
    ['dark', 1400],
    ['light', 400],
    ['dark', 400],
  ] as const)('fits a %s screen of %d pixels, and its text can be told from the ground', async (colorScheme, width) => {
    const { page } = await open(REPORT, { colorScheme, width })
    await page.locator('#list tr').first().click()
    const measured = Measured.parse(await page.evaluate(MEASURE))
    expect(measured).toMatchObject({ overflow: 0 })
    // WCAG 2.2, success criterion 1.4.3: at least 4.5 to 1 for text of this size.
    expect(measured.contrast).toBeGreaterThan(4.5)
    const folder = process.env['CURATE_SCREENSHOTS']
    if (folder !== undefined) {
      await page.screenshot({ path: join(folder, `report-${colorScheme}-${width}.png`), fullPage: true })
    }
  })

  test('of a run without a single row says what is missing', async () => {
    const { page, trouble } = await open({ name: 'empty', funnel: [], candidates: [], metrics: [] })
    const text = (await page.locator('main').textContent()) ?? ''
    for (const part of ['No candidate was timed', 'Nothing was rejected', '0 of 0']) expect(text).toContain(part)
    expect(trouble).toEqual([])
  })
})

// Without a display, and without the requests that a browser makes for itself.
const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
] // prettier-ignore

const Measured = z.object({ overflow: z.number(), contrast: z.number() })

const MEASURE = `(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number)
  const luminance = (text) => rgb(text).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0)
  const probe = document.createElement('p')
  probe.className = 'absent'
  probe.style.background = 'Canvas'
  document.body.append(probe)
  const { color, backgroundColor } = getComputedStyle(probe)
  const [light, dark] = [luminance(color), luminance(backgroundColor)].sort((a, b) => b - a)
  const { scrollWidth, clientWidth } = document.documentElement
  return { overflow: scrollWidth - clientWidth, contrast: (light + 0.05) / (dark + 0.05) }
})()` // prettier-ignore

async function open(data: ReportData, screen: { colorScheme?: 'light' | 'dark'; width?: number } = {}) {
  const { colorScheme = 'light', width = 1400 } = screen
  const path = join(await temporaryFolder(), 'report.html')
  await writeFile(path, await renderReport(data))
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } })
  const address = pathToFileURL(path).href
  const trouble = watch(page, address)
  await page.goto(address)
  return { page, trouble }
}

function watch(page: Page, address: string): string[] {
  const trouble: string[] = []
  page.on('console', (message) => trouble.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => trouble.push(`error: ${error.message}`))
  page.on('request', (request) => request.url() === address || trouble.push(`request: ${request.url()}`))
  return trouble
}

function stage(
  name: FunnelStage['stage'],
  written: Record<string, number>,
  reasons: Record<string, number>,
): FunnelStage {
  const rejected = Object.entries(reasons).map(([reason, count]) => ({ reason, count }))
  return {
    stage: name,
    shards: 1,
    shardsDone: 1,
    read: {},
    written,
    rejected,
    duration_ms: 10,
    peak_memory_bytes: 1,
    failures: [],
  }
}

function candidate(index: number): CandidateView {
  const passed = index % 2 === 0
  const code = index === 0 ? HOSTILE : `# candidate.py\ndef kernel_of_${index}():\n    pass\n`
  return {
    id: index.toString(16).padStart(16, '0'),
    task_id: 'a'.repeat(16),
    task_name: index === 0 ? 'hostile' : `task_${index}`,
    origin: 'mined',
    language: index % 3 === 0 ? 'cuda' : 'triton',
    license: 'MIT',
    repo_name: 'acme/kernels',
    status: passed ? 'PASSED' : 'INCORRECT_NUMERICAL',
    selected: index % 4 === 0,
    speedup: passed && index > 0 ? index / 4 : null,
    reasoning_tokens: index * 17,
    refused_by: index % 4 === 0 ? null : 'speedup@1:too_slow',
    texts: {
      code,
      reference: 'class Model: ...',
      reasoning: index === 0 ? HOSTILE : 'because',
      evaluations: [],
      decisions: [],
    },
  }
}

const REPORT: ReportData = {
  metrics: [],
  name: 'test <b>run</b>',
  funnel: [
    stage('mine', { kernels: 40 }, { 'mine@1:symlink': 3 }),
    stage('pair', { tasks: 28, candidates: 30 }, { 'pair@1:no_test': 10 }),
    stage('filter', { decisions: 400, selected: 12 }, { 'speedup@1:too_slow': 18, [HOSTILE]: 1 }),
  ],
  candidates: Array.from({ length: 40 }, (_, index) => candidate(index)),
}
