import { expect, test } from 'vitest'
import { RetryOptions } from '../../../extractors/models/endpoint-options.ts'
import { backoffMs, retryAfterMs } from '../../../extractors/models/retry-delay.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

test.each([
  [{ 'retry-after': '3' }, 3000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' }, 7000],
  [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
  [{ 'retry-after': '3', 'retry-after-ms': '250' }, 250],
  [{ 'retry-after': '999999' }, 3_600_000],
  [{ 'retry-after': '-5' }, 0],
  [{ 'retry-after': 'soon' }, null],
  [{}, null],
] as const)('reads %j as %s ms', (headers, expected) => {
  expect(retryAfterMs(new Headers(headers), NOW)).toBe(expected)
})

test('draws waits that double up to a limit', () => {
  const options = RetryOptions.parse({ first_delay_s: 2, max_delay_s: 10 })
  expect([1, 2, 3, 4, 5].map((attempt) => backoffMs(attempt, options, () => 0.5))).toEqual([
    1000, 2000, 4000, 5000, 5000,
  ])
})
