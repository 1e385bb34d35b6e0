import { setTimeout as sleep } from 'node:timers/promises'
import { systemCodeOf } from '../pipelines/core/errors.ts'

/** How requests are repeated. */
export interface RetryPolicy {
  /** Tries of one request, the first included. */
  readonly attempts: number
  /** Wait before the second try, milliseconds; it doubles with each further one, up to `maxDelayMs`. */
  readonly delayMs: number
  readonly maxDelayMs: number
}

const DEFAULT_RETRY: RetryPolicy = { attempts: 6, delayMs: 1000, maxDelayMs: 60_000 }

/**
 * A `fetch` that repeats a request where the same request may succeed: no answer, 408, 429 and 5xx. It waits twice as long
 * each time, by a random share so that many clients part, and at least as long as the server asks. A commit may be repeated
 * too: it names its parent, so a second one after a lost answer is refused, never applied twice. What opens a pull request
 * would open a second one: it is sent once, and who asked looks whether it is there.
 */
export function retryingFetch(signal: AbortSignal, policy: RetryPolicy = DEFAULT_RETRY): typeof fetch {
  return async (input, init) => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await tryOnce(input, init, signal)
      signal.throwIfAborted()
      const isLast = attempt >= policy.attempts || opensPullRequest(input)
      if ('response' in answer) {
        if (isLast || !isTransientStatus(answer.response.status)) return answer.response
      } else if (isLast || !isNetworkFailure(answer.error)) throw answer.error
      const asked = 'response' in answer ? await drain(answer.response) : 0
      await sleep(delayBefore(attempt, asked, policy), undefined, { signal })
    }
  }
}

/** Whether the same request may succeed later (the list of datatrove and of the Hub's own clients). */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501)
}

/** Whether an error is a connection that failed or took too long, as opposed to an answer. */
export function isNetworkFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'TimeoutError') return true
  const code = systemCodeOf(error) ?? systemCodeOf(error.cause) ?? ''
  return (
    error.message === 'fetch failed' ||
    error.message === 'terminated' ||
    code.startsWith('UND_ERR') ||
    code === 'ECONNRESET'
  )
}

function opensPullRequest(input: Parameters<typeof fetch>[0]): boolean {
  const address = input instanceof Request ? input.url : String(input)
  return new URL(address).searchParams.get('create_pr') === '1'
}

// An upload takes as long as it takes; every other request is small.
const UPLOAD_TIMEOUT_MS = 2 * 3600 * 1000
const REQUEST_TIMEOUT_MS = 120 * 1000

async function tryOnce(
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
  signal: AbortSignal,
): Promise<{ response: Response } | { error: unknown }> {
  const timeout = AbortSignal.timeout(init?.method === 'PUT' ? UPLOAD_TIMEOUT_MS : REQUEST_TIMEOUT_MS)
  const signals = [signal, timeout, ...(init?.signal ? [init.signal] : [])]
  try {
    return { response: await fetch(input, { ...init, signal: AbortSignal.any(signals) }) }
  } catch (error) {
    return { error }
  }
}

// Reads the rest, so that the connection can be used again, and gives the wait the server asks for in milliseconds.
async function drain(response: Response): Promise<number> {
  await response.arrayBuffer().catch(() => undefined)
  const seconds = Number(response.headers.get('Retry-After') ?? 0)
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0
}

function delayBefore(attempt: number, askedMs: number, { delayMs, maxDelayMs }: RetryPolicy): number {
  const doubled = Math.min(maxDelayMs, delayMs * 2 ** (attempt - 1))
  return Math.max(Math.min(askedMs, maxDelayMs), doubled * (0.5 + Math.random() / 2))
}
