import { CurateError } from '../../pipelines/core/errors.ts'
import { withoutSecrets } from '../../pipelines/core/secrets.ts'
import { openChatClient } from './chat-client.ts'
import type { ChatClient } from './chat-client.ts'
import type { EndpointOptions } from './endpoint-options.ts'

/** One server with what is known of it now. */
export interface Endpoint {
  /** What people may see of it. */
  readonly name: string
  readonly options: EndpointOptions
  readonly client: ChatClient
  active: number
  /** Nothing is asked before; milliseconds since the epoch. */
  readyAt: number
  answers: number
  /** When it last answered, or was opened. */
  lastAnswerAt: number
}

type Environment = Readonly<Record<string, string | undefined>>

/** Opens the endpoints of a recipe. Keys come from the environment and stay in memory. */
export function openEndpoints(endpoints: readonly EndpointOptions[], environment: Environment): Endpoint[] {
  return endpoints.map((options) => {
    const url = options.url ?? environment['OPENAI_BASE_URL'] ?? ''
    if (url === '') throw noAddress(options.model)
    const key = options.key === null ? null : (environment[options.key] ?? '')
    if (key === '') throw noKey(options.key ?? '')
    return {
      name: `${options.model} at ${withoutSecrets(url)}`,
      options,
      client: openChatClient({
        url,
        key,
        stream: options.stream,
        stallMs: options.stall_s * 1000,
        timeoutMs: options.timeout_s * 1000,
      }),
      active: 0,
      readyAt: 0,
      answers: 0,
      lastAnswerAt: Date.now(),
    }
  })
}

function noAddress(model: string): CurateError {
  return new CurateError('no_endpoint', `the recipe gives no address for the model ${model}`, {
    hint: 'Set `url` of the endpoint, or the environment variable OPENAI_BASE_URL, to an address that ends with /v1.',
  })
}

function noKey(variable: string): CurateError {
  return new CurateError('no_key', `the environment variable ${variable}, which holds the key, is not set`, {
    hint: `Set ${variable}, or \`key: null\` at the endpoint if the server needs none.`,
  })
}
