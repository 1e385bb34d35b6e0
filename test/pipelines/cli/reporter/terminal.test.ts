import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { renderFunnel } from '../../../../pipelines/cli/reporter/funnel-table.ts'
import { renderTable } from '../../../../pipelines/cli/reporter/text-table.ts'
import { formatBytes, formatCount, formatDuration, formatRate } from '../../../../pipelines/cli/reporter/units.ts'
import { packageRoot } from '../../../../pipelines/core/package-root.ts'
import { runProcess } from '../../../../pipelines/core/process.ts'
import type { FunnelStage } from '../../../../pipelines/run/funnel.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { SMALL } from '../small-run.ts'

describe('on a terminal of 80 columns', () => {
  test('each stage has a bar with what is done and how long it took, and no line is longer', async (context) => {
    const drawn = await drawnOnTerminal(['--recipe', SMALL, '--to', 'pair'])
    if (drawn === null) {
      context.skip('script(1) is not installed')
      return
    }
    // The cursor goes back to the first column before each drawing.
    const lines = stripVTControlCharacters(drawn.replaceAll(`${ESCAPE}[1G`, '\n')).split(/[\r\n]+/)
    expect(lines).toContainEqual(expect.stringMatching(/^mine {5}░+( 0\/20 files)?/))
    expect(lines).toContainEqual(expect.stringMatching(/^mine {5}█+ 20 files in \d/))
    expect(lines).toContainEqual(expect.stringMatching(/^pair {5}█+ 20 files in \d/))
    // The folder of the run is as long as it is.
    const widths = lines.filter((line) => !line.includes('/tmp/')).map((line) => line.length)
    expect(Math.max(...widths)).toBeLessThanOrEqual(80)
  })

  test('what is said while there are bars stands whole above them', async (context) => {
    const source = 'generate.imports=[{id: outputs, path: outputs.jsonl, parquet: {}}]'
    const drawn = await drawnOnTerminal(['--recipe', SMALL, '--to', 'generate', '--set', source])
    if (drawn === null) {
      context.skip('script(1) is not installed')
      return
    }
    const lines = stripVTControlCharacters(drawn.replaceAll(`${ESCAPE}[1G`, '\n')).split(/[\r\n]+/)
    const start = lines.indexOf('generate/outputs')
    const said = lines.slice(
      start,
      lines.findIndex((line, index) => index > start && line.startsWith('mine ')),
    )
    expect(Math.max(...said.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(said.join('').replaceAll(' ', '')).toContain('outputs.jsonlisnotareadableParquetfile')
    expect(lines.join('\n')).toContain('1 shard failed; everything else is kept.')
  })

  test('the funnel fits, with its reasons, and leaves out columns before it breaks lines', () => {
    for (const width of [80, 60, 50]) {
      const table = renderFunnel(FUNNEL, 2, width)
      expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(width)
      expect(table).toMatch(/^validate .*49 evaluations +12 +2 min 27 s/m)
    }
    expect(renderFunnel(FUNNEL, 2, 40)).toMatch(/^validate +49 evaluations +12$/m)
    expect(renderFunnel(FUNNEL, 2, 120)).toMatch(
      /^validate +3\/4 +108 candidates +49 evaluations +12 +2 min 27 s +635 MB$/m,
    )
  })

  test('the funnel tells failures, the most frequent reasons, and how many more there are', () => {
    const lines = renderFunnel(FUNNEL, 2, 80).split('\n')
    expect(lines.slice(lines.indexOf('') + 1)).toEqual([
      'stage     rejected  reason',
      'validate    FAILED  0003: worker_died',
      'validate         7  a@1:first',
      'validate         3  a@1:second',
      'validate         2  for 2 other reasons',
    ])
  })
})

test('a table wraps its last column and loses nothing of it', () => {
  const text =
    'what it does\n  min: the least ratio of the medians, of two programs\nhttps://example.org/a/long/address'
  const table = renderTable(['name', 'text'], [['a', text]], [], 30)
  expect(table.split('\n')).toEqual([
    'name  text',
    'a     what it does',
    '        min: the least ratio',
    '        of the medians, of',
    '        two programs',
    '      https://example.org/a/',
    '      long/address',
  ])
})

test('a table with more columns than fit gives every cell a line', () => {
  const table = renderTable(
    ['', 'source', 'pass@1'],
    [
      ['ok', 'a-library', '0.5'],
      ['', 'b', 'not measured'],
    ],
    [],
    17,
  )
  expect(table).toBe('ok\nsource: a-library\npass@1: 0.5\n\nsource: b\npass@1: not\nmeasured')
})

test('numbers are written as people write them', () => {
  expect([420, 9940, 12_400, 119_900, 200_000, 239_700, 7_500_000].map(formatDuration)).toEqual([
    '0.4 s', '9.9 s', '12 s', '2 min 0 s', '3 min 20 s', '4 min 0 s', '2 h 5 min',
  ]) // prettier-ignore
  expect([12.3, 3.44, 0.5, 0.05].map(formatRate)).toEqual(['12/s', '3.4/s', '30/min', '3.0/min'])
  expect([0, 999, 12_000, 3_400_000].map(formatBytes)).toEqual(['0 B', '999 B', '12.0 kB', '3.4 MB'])
  expect([formatCount(1, 'shard'), formatCount(12_345, 'shard')]).toEqual(['1 shard', '12 345 shards'])
})

// script(1) gives the program a terminal of its own; null where there is no such program.
async function drawnOnTerminal(args: readonly string[]): Promise<string | null> {
  const words = [process.execPath, 'pipelines/launch.js', ...args, '--work-dir', await temporaryFolder()]
  const command = `stty cols 80; ${words.map((word) => `'${word}'`).join(' ')}`
  const { stdout, notFound } = await runProcess('script', ['-qec', command, '/dev/null'], { cwd: packageRoot })
  return notFound ? null : stdout
}

const ESCAPE = String.fromCodePoint(27)

const FAILURE = { code: 'worker_died', message: 'it died', hint: 'Run again.', retryable: true, failed_at: '' }

const FUNNEL: FunnelStage[] = [
  {
    stage: 'validate',
    shards: 4,
    shardsDone: 3,
    read: { candidates: 108 },
    written: { evaluations: 49, rejects: 12 },
    rejected: [
      { reason: 'a@1:first', count: 7 },
      { reason: 'a@1:second', count: 3 },
      { reason: 'a@1:third', count: 1 },
      { reason: 'a@1:fourth', count: 1 },
    ],
    duration_ms: 147_000,
    peak_memory_bytes: 635_000_000,
    failures: [{ shard: '0003', failure: FAILURE }],
  },
]
