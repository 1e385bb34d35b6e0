import { setTimeout as sleep } from 'node:timers/promises'
import type { RetryOptions } from './endpoint-options.ts'
import { endpointFailure, isFatal } from './endpoint-failure.ts'
import { openEndpointQueue } from './endpoint-queue.ts'
import type { Endpoint } from './endpoint.ts'
import { backoffMs } from './retry-delay.ts'
import type { ChatFailure, ChatOutcome, ModelAnswer, ModelRequest, Usage } from './types.ts'

/** How a question ended: with an answer, or refused for a reason that is its own. */
export type PoolOutcome =
  | { readonly kind: 'answer'; readonly answer: ModelAnswer; readonly endpoint: Endpoint }
  | { readonly kind: 'refused'; readonly reason: 'request_refused' | 'endpoint_failed'; readonly detail: string }

/** Several servers as one: questions queue, and are asked again where that may help. */
export interface EndpointPool {
  /**
   * Asks until there is an answer, or the question itself is at fault. Throws a CurateError where no endpoint works.
   * `onLost` is told what an attempt took that gave no answer.
   */
  ask(
    request: ModelRequest,
    signal: AbortSignal,
    onLost: (usage: Usage, endpoint: Endpoint) => Promise<void>,
  ): Promise<PoolOutcome>
}

/** Opens a pool. An endpoint that limits the rate is left alone for as long as it asks; the others go on. */
export function openEndpointPool(endpoints: readonly Endpoint[], retry: RetryOptions): EndpointPool {
  const queue = openEndpointQueue(endpoints)
  async function attempt(
    request: ModelRequest,
    signal: AbortSignal,
  ): Promise<{ outcome: ChatOutcome; endpoint: Endpoint }> {
    const endpoint = await queue.acquire(request.model, signal)
    try {
      const outcome = await endpoint.client.ask(request, signal)
      if (outcome.kind === 'answer') {
        endpoint.answers += 1
        endpoint.lastAnswerAt = Date.now()
        // Before the place is free again, or the next question would run into the same refusal.
      } else if (outcome.failure.cause === 'rate_limited') limitRate(endpoint, outcome.failure, retry)
      return { outcome, endpoint }
    } finally {
      queue.release(endpoint)
    }
  }
  return {
    async ask(request, signal, onLost) {
      const answersBefore = countAnswers(endpoints)
      for (let failed = 0; ;) {
        const { outcome, endpoint } = await attempt(request, signal)
        if (outcome.kind === 'answer') return { kind: 'answer', answer: outcome.answer, endpoint }
        const { failure } = outcome
        if (failure.usage !== null) await onLost(failure.usage, endpoint)
        if (failure.cause === 'rate_limited') continue
        if (isFatal(failure, endpoint)) throw endpointFailure(failure, endpoint)
        if (failure.cause === 'bad_request') {
          return { kind: 'refused', reason: 'request_refused', detail: failure.message }
        }
        failed += 1
        if (failed >= retry.max_attempts) return givenUp(failure, endpoint, countAnswers(endpoints) > answersBefore)
        await sleep(failure.retry_after_ms ?? backoffMs(failed, retry), undefined, { signal })
      }
    },
  }
}

function countAnswers(endpoints: readonly Endpoint[]): number {
  return endpoints.reduce((sum, { answers }) => sum + answers, 0)
}

// Whoever is refused together waits together: the endpoint rests, and no question of its own counts as an attempt.
function limitRate(endpoint: Endpoint, failure: ChatFailure, retry: RetryOptions): void {
  const now = Date.now()
  if (now - endpoint.lastAnswerAt > retry.patience_s * 1000) throw endpointFailure(failure, endpoint)
  const wait = failure.retry_after_ms ?? 1000 * retry.first_delay_s * (0.5 + Math.random())
  endpoint.readyAt = Math.max(endpoint.readyAt, now + Math.min(wait, retry.patience_s * 1000))
}

// While others were answered even during its last attempt, it is this question that no server gets through with.
function givenUp(failure: ChatFailure, endpoint: Endpoint, othersWereAnswered: boolean): PoolOutcome {
  if (!othersWereAnswered || failure.cause === 'unreachable') throw endpointFailure(failure, endpoint)
  return { kind: 'refused', reason: 'endpoint_failed', detail: `${failure.cause}: ${failure.message}` }
}
