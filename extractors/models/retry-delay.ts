import type { RetryOptions } from './endpoint-options.ts'

/**
 * How long a server asks to wait, milliseconds: seconds or a date (RFC 9110, section 10.2.3), or the milliseconds that some send
 * besides. Null where it says nothing that can be read.
 */
export function retryAfterMs(headers: Headers | null, now: number): number | null {
  const exact = Number(headers?.get('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(exact) && exact >= 0) return Math.min(exact, LONGEST_MS)
  const text = headers?.get('retry-after')?.trim() ?? ''
  if (text === '') return null
  const seconds = Number(text)
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - now
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, 0), LONGEST_MS)
}

// A server that asks for more has no room today; a run does not sleep for days because of a header.
const LONGEST_MS = 3_600_000

/**
 * The wait before the next attempt, milliseconds, drawn evenly up to a limit that doubles with each: "full jitter"
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that questions refused together do not come
 * back together.
 */
export function backoffMs(attempt: number, { first_delay_s, max_delay_s }: RetryOptions, chance = Math.random): number {
  return 1000 * chance() * Math.min(max_delay_s, first_delay_s * 2 ** (attempt - 1))
}
