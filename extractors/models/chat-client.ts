import OpenAI, { APIConnectionError, APIError } from 'openai'
import { messageOf } from '../../pipelines/core/errors.ts'
import { withoutSecrets } from '../../pipelines/core/secrets.ts'
import { Completion, addCompletion, emptyAnswer, finishAnswer, lengthOf, usageOf } from './chat-message.ts'
import type { PartialAnswer } from './chat-message.ts'
import { retryAfterMs } from './retry-delay.ts'
import type { ChatFailure, ChatOutcome, FailureCause, ModelRequest } from './types.ts'

/** Where and how a client asks. */
export interface ChatClientOptions {
  readonly url: string
  /** Sent as a bearer token; null to send none. It appears in no error. */
  readonly key: string | null
  readonly stream: boolean
  readonly stallMs: number
  readonly timeoutMs: number
}

/** Asks one server, each question once. */
export interface ChatClient {
  /** Never throws, except where `signal` ends it: what went wrong is a value. */
  ask(request: ModelRequest, signal: AbortSignal): Promise<ChatOutcome>
}

/** A client of a server that speaks OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat */
export function openChatClient(options: ChatClientOptions): ChatClient {
  const { url, key } = options
  const server = new OpenAI({
    baseURL: url,
    apiKey: key ?? 'none',
    ...(key === null ? { defaultHeaders: { Authorization: null } } : {}),
    organization: null,
    project: null,
    // Who asks again, and when, is decided over all endpoints: endpoint-pool.ts.
    maxRetries: 0,
    timeout: options.timeoutMs,
    logLevel: 'off',
  })
  return { ask: (request, signal) => ask(server, options, request, signal) }
}

async function ask(
  server: OpenAI,
  options: ChatClientOptions,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<ChatOutcome> {
  const answer = emptyAnswer()
  const clock = startClock(options)
  try {
    const both = AbortSignal.any([signal, clock.signal])
    await receive(server, options, request, answer, clock, both)
    if (answer.finish_reason === null) return await failed(unfinished(answer), answer, request, null)
    return { kind: 'answer', answer: await finishAnswer(answer, request) }
  } catch (error) {
    signal.throwIfAborted()
    const cause = clock.signal.aborted ? 'too_slow' : causeOf(error)
    const message = clock.signal.aborted ? messageOf(clock.signal.reason) : describe(error, options.key)
    return await failed({ cause, message }, answer, request, headersOf(error))
  } finally {
    clock.stop()
  }
}

async function receive(
  server: OpenAI,
  { stream }: ChatClientOptions,
  request: ModelRequest,
  answer: PartialAnswer,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const body = bodyOf(request)
  if (!stream) {
    const whole: unknown = await server.chat.completions.create({ ...body, stream: false }, { signal })
    const parsed = Completion.safeParse(whole)
    if (parsed.success) addCompletion(answer, parsed.data)
    return
  }
  const pieces = await server.chat.completions.create(
    { ...body, stream: true, stream_options: { include_usage: true } },
    { signal },
  )
  for await (const piece of pieces) {
    clock.tick()
    const parsed = Completion.safeParse(piece)
    if (parsed.success) addCompletion(answer, parsed.data)
    if (lengthOf(answer) > MAX_CHARACTERS) throw new RangeError(`more than ${MAX_CHARACTERS} characters`)
  }
}

// Far above what any model's context holds: only a server that never ends gets there.
const MAX_CHARACTERS = 16_000_000

/** The body of a request, without what says how the answer is sent: also the line of a batch file. */
export function bodyOf({ model, messages, sampling }: ModelRequest) {
  const { temperature, top_p, max_tokens, seed, extra } = sampling
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    max_tokens,
    ...(temperature === null ? {} : { temperature }),
    ...(top_p === null ? {} : { top_p }),
    ...(seed === null ? {} : { seed }),
    ...extra,
  }
}

interface Clock {
  readonly signal: AbortSignal
  tick(): void
  stop(): void
}

// Two clocks: since the last token, and since the question.
function startClock({ stream, stallMs, timeoutMs }: ChatClientOptions): Clock {
  const controller = new AbortController()
  const end = (what: string): void => controller.abort(new Error(what))
  const whole = setTimeout(() => end(`no end within ${timeoutMs / 1000} s`), timeoutMs)
  const stall = setTimeout(() => end(`no token for ${stallMs / 1000} s`), stream ? stallMs : timeoutMs)
  return {
    signal: controller.signal,
    tick: () => void stall.refresh(),
    stop() {
      clearTimeout(whole)
      clearTimeout(stall)
    },
  }
}

function unfinished(answer: PartialAnswer): Pick<ChatFailure, 'cause' | 'message'> {
  if (lengthOf(answer) === 0) return { cause: 'no_completion', message: 'the server sent no chat completion' }
  return { cause: 'cut_off', message: `the answer ended after ${lengthOf(answer)} characters without a finish reason` }
}

async function failed(
  what: Pick<ChatFailure, 'cause' | 'message'>,
  answer: PartialAnswer,
  request: ModelRequest,
  headers: Headers | null,
): Promise<ChatOutcome> {
  const usage = lengthOf(answer) === 0 ? null : await usageOf(answer, request)
  return { kind: 'failure', failure: { ...what, retry_after_ms: retryAfterMs(headers, Date.now()), usage } }
}

function causeOf(error: unknown): FailureCause {
  if (error instanceof APIConnectionError) return 'unreachable'
  if (error instanceof RangeError || error instanceof SyntaxError) return 'no_completion'
  const status: unknown = error instanceof APIError ? error.status : undefined
  // A connection that ends within the body is an error of `fetch`, and one that a server tells in the stream has no status.
  if (typeof status !== 'number') return error instanceof APIError ? 'server_error' : 'cut_off'
  if (status === 429) return 'rate_limited'
  if (status === 408 || status === 409 || status >= 500) return 'server_error'
  if (status === 401 || status === 403) return 'unauthorized'
  return status === 404 ? 'not_found' : 'bad_request'
}

function headersOf(error: unknown): Headers | null {
  return error instanceof APIError && error.headers instanceof Headers ? error.headers : null
}

// Servers quote what they were sent, keys included.
function describe(error: unknown, key: string | null): string {
  const reason = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
  const text = withoutSecrets(`${messageOf(error)}${reason}`)
  const hidden = key === null || key === '' ? text : text.replaceAll(key, '***')
  return hidden.length > 500 ? `${hidden.slice(0, 500)}…` : hidden
}
