import type { Endpoint } from './endpoint.ts'

/** Hands out places at endpoints, to those who wait longest first. */
export interface EndpointQueue {
  /** A place at an endpoint of the model, as soon as one is free. */
  acquire(model: string, signal: AbortSignal): Promise<Endpoint>
  release(endpoint: Endpoint): void
}

interface Waiting {
  readonly model: string
  readonly resolve: (endpoint: Endpoint) => void
}

/** Opens a queue. An endpoint has no place while it works on as much as it may, and before its `readyAt`. */
export function openEndpointQueue(endpoints: readonly Endpoint[]): EndpointQueue {
  let waiting: Waiting[] = []
  let alarm: NodeJS.Timeout | undefined

  function dispatch(): void {
    clearTimeout(alarm)
    const now = Date.now()
    waiting = waiting.filter(({ model, resolve }) => {
      const free = freest(endpoints, model, now)
      if (free === null) return true
      free.active += 1
      resolve(free)
      return false
    })
    const next = Math.min(...endpoints.map(({ readyAt }) => readyAt).filter((readyAt) => readyAt > now))
    if (waiting.length > 0 && Number.isFinite(next)) alarm = setTimeout(dispatch, next - now + 1)
  }
  return {
    async acquire(model, signal) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<Endpoint>()
      const entry = { model, resolve }
      const leave = (): void => {
        waiting = waiting.filter((other) => other !== entry)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      waiting.push(entry)
      dispatch()
      return promise.finally(() => signal.removeEventListener('abort', leave))
    },
    release(endpoint) {
      endpoint.active -= 1
      dispatch()
    },
  }
}

// The one with the most room for its weight; null where none is free.
function freest(endpoints: readonly Endpoint[], model: string, now: number): Endpoint | null {
  const free = endpoints.filter(
    ({ options, active, readyAt }) => options.model === model && active < options.max_concurrent && readyAt <= now,
  )
  const load = ({ active, options }: Endpoint): number => (active + 1) / options.weight
  return free.toSorted((a, b) => load(a) - load(b))[0] ?? null
}
