import { CurateError, messageOf } from '../../pipelines/core/errors.ts'
import { withoutSecrets } from '../../pipelines/core/secrets.ts'

const MAX_METADATA_BYTES = 20_000_000

/** A JSON text on a server, or null where it is none. */
export async function fetchJson(address: string, authorization: string | null, signal: AbortSignal): Promise<unknown> {
  const pieces: Buffer[] = []
  for await (const piece of bytesOf(address, authorization, MAX_METADATA_BYTES, signal)) pieces.push(piece)
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'))
  } catch {
    return null
  }
}

// Seconds without a byte after which a server counts as gone.
const SILENCE_S = 60

/** The bytes of a file on a server, as they come. */
export async function* bytesOf(
  url: string,
  authorization: string | null,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), SILENCE_S * 1000)
  try {
    const headers = authorization === null ? {} : { authorization }
    const response = await fetch(url, { headers, signal: AbortSignal.any([signal, silence.signal]) })
    if (!response.ok) throw refusedBy(url, response.status)
    let total = 0
    for await (const piece of response.body ?? []) {
      timer.refresh()
      total += piece.length
      if (total > maxBytes) throw tooLarge(url, maxBytes)
      yield Buffer.from(piece)
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof CurateError) throw error
    throw new CurateError('package_index_unreachable', `${withoutSecrets(url)}: ${withoutSecrets(causeOf(error))}`, {
      hint: 'Check the network, the proxy, and `index` of the source.',
      retryable: true,
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}

// `fetch failed` says nothing; its cause does.
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error ? `${messageOf(error)}: ${cause.message}` : messageOf(error)
}

function refusedBy(url: string, status: number): CurateError {
  const address = withoutSecrets(url)
  if (status === 404) {
    return new CurateError('package_not_found', `${address}: there is no such package or version`, {
      hint: 'Check `name` and `version` of the source.',
    })
  }
  return new CurateError('package_index_refused', `${address} answered ${status}`, {
    hint: status < 500 ? 'Check `index` of the source and what it asks of its users.' : 'Run again later.',
    retryable: status >= 500 || status === 429,
  })
}

function tooLarge(url: string, maxBytes: number): CurateError {
  return new CurateError('archive_too_large', `${withoutSecrets(url)} has more than ${maxBytes} bytes`, {
    hint: 'Raise `max_bytes` of the source if the package is really this large.',
  })
}
