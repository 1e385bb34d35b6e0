import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

// A server that speaks OpenAI's chat completions over HTTP: streaming, reasoning, usage, and everything that goes wrong.

const Question = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.string() })),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).optional(),
  max_tokens: z.int().optional(),
  temperature: z.number().optional(),
  seed: z.int().optional(),
})
export type Question = z.infer<typeof Question>

/** What the server says to a question. */
export interface Said {
  readonly content: string
  readonly reasoning?: string
  readonly finish_reason?: string
  readonly refusal?: string
}

/** What happens to questions instead of an answer, or within it. */
export interface Fault {
  /** `cut`: the connection ends after some tokens; `hang`: no token follows any more; `raw`: `body` as the stream; a number: that status. */
  readonly kind: 'cut' | 'hang' | 'garbage' | 'raw' | number
  /** How many questions it happens to; default 1. */
  readonly times?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Questions it happens to; default all. */
  readonly where?: (question: Question) => boolean
}

export interface ChatServerOptions {
  readonly answer: (question: Question) => Said
  /** How reasoning is sent: in a field of its own, or between tags in the content. */
  readonly reasoningIn?: 'reasoning_content' | 'reasoning' | 'tags'
  readonly key?: string
  readonly tokenMs?: number
  /** Milliseconds before the first token. */
  readonly thinkMs?: number
  /** Whether usage is reported. */
  readonly usage?: boolean
}

export interface ChatServer {
  /** Ends with /v1. */
  readonly url: string
  /** Every question, in the order they came. */
  readonly questions: readonly Question[]
  /** Questions whose answer was sent to its end. */
  readonly finished: readonly Question[]
  /** Most questions that were worked on at the same time. */
  readonly mostAtOnce: () => number
  addFault(fault: Fault): void
  close(): Promise<void>
}

interface Running extends ChatServerOptions {
  readonly questions: Question[]
  readonly finished: Question[]
  readonly faults: { fault: Fault; left: number }[]
}

/** Starts the server on a free port of this machine. */
export async function startChatServer(options: ChatServerOptions): Promise<ChatServer> {
  const running: Running = { ...options, questions: [], finished: [], faults: [] }
  let active = 0
  let most = 0
  const server = createServer((request, response) => {
    active += 1
    most = Math.max(most, active)
    void handle(request, response, running)
      .catch(() => request.socket.destroy())
      .finally(() => (active -= 1))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${portOf(server)}/v1`,
    questions: running.questions,
    finished: running.finished,
    mostAtOnce: () => most,
    addFault: (fault) => void running.faults.push({ fault, left: fault.times ?? 1 }),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return address.port
}

async function handle(request: IncomingMessage, response: ServerResponse, running: Running): Promise<void> {
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
    return refuse(response, 404, { error: { message: `no route ${request.url ?? ''}` } })
  }
  const sent = request.headers.authorization
  if (running.key !== undefined && sent !== `Bearer ${running.key}`) {
    return refuse(response, 401, { error: { message: `Incorrect API key provided: ${sent ?? ''}` } })
  }
  const question = Question.parse(JSON.parse(await textOf(request)))
  running.questions.push(question)
  const hit = running.faults.find(({ fault, left }) => left > 0 && (fault.where?.(question) ?? true))
  if (hit !== undefined) hit.left -= 1
  const fault = hit?.fault
  if (typeof fault?.kind === 'number') {
    return refuse(response, fault.kind, fault.body ?? { error: { message: 'Injected failure' } }, fault.headers)
  }
  if (fault?.kind === 'garbage') return void response.end('<html>It works!</html>')
  if (fault?.kind === 'raw') {
    return void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(String(fault.body))
  }
  await sleep(running.thinkMs ?? 0)
  await (question.stream === true ? stream : answerWhole)(question, response, running, fault?.kind ?? null)
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

function refuse(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

type BodyFault = 'cut' | 'hang' | null

async function answerWhole(
  question: Question,
  response: ServerResponse,
  running: Running,
  fault: BodyFault,
): Promise<void> {
  const { message, finish_reason } = render(running.answer(question), running)
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }]
  const text = JSON.stringify({ id: 'chat', model: question.model, choices, ...usageOf(question, message, running) })
  if (fault === 'hang') return void (await once(response, 'close'))
  if (fault === 'cut') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(text.length) })
    response.write(text.slice(0, text.length / 2))
    return void response.destroy()
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  running.finished.push(question)
}

async function stream(question: Question, response: ServerResponse, running: Running, fault: BodyFault): Promise<void> {
  const { message, finish_reason } = render(running.answer(question), running)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (choices: unknown, more: object = {}): void =>
    void response.write(`data: ${JSON.stringify({ id: 'chat', model: question.model, choices, ...more })}\n\n`)
  const deltas = Object.entries(message).flatMap(([field, text]) => piecesOf(text).map((piece) => ({ [field]: piece })))
  for (const [index, delta] of deltas.entries()) {
    if (fault !== null && index >= deltas.length / 2) break
    send([{ index: 0, delta, finish_reason: null }])
    if (running.tokenMs !== undefined) await sleep(running.tokenMs)
  }
  if (fault === 'hang') return void (await once(response, 'close'))
  if (fault === 'cut') {
    // What was sent so far is on its way before the connection ends.
    await sleep(20)
    return void response.destroy()
  }
  send([{ index: 0, delta: {}, finish_reason }])
  if (question.stream_options?.include_usage === true) send([], usageOf(question, message, running))
  response.end('data: [DONE]\n\n')
  running.finished.push(question)
}

type Message = Readonly<Record<string, string>>

function render(
  said: Said,
  { reasoningIn = 'reasoning_content' }: Running,
): { message: Message; finish_reason: string } {
  const { content, reasoning, refusal, finish_reason = 'stop' } = said
  const tagged = reasoning !== undefined && reasoningIn === 'tags'
  const message = {
    ...(reasoning === undefined || tagged ? {} : { [reasoningIn]: reasoning }),
    ...(refusal === undefined ? {} : { refusal }),
    content: tagged ? `<think>\n${reasoning}\n</think>\n\n${content}` : content,
  }
  return { message, finish_reason }
}

// Tokens of a few characters, as they come from a model.
function piecesOf(text: string): string[] {
  return text.match(/[\s\S]{1,24}/g) ?? []
}

/** A token is four characters here, so that tests can tell what an answer costs. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4)
}

function usageOf(question: Question, message: Message, { usage = true }: Running): object {
  if (!usage) return {}
  const prompt_tokens = tokensOf(question.messages.map(({ content }) => content).join(''))
  const completion_tokens = tokensOf(Object.values(message).join(''))
  return { usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } }
}
