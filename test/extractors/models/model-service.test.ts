import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openAnswerLog } from '../../../extractors/models/answer-log.ts'
import type { AnswerLog } from '../../../extractors/models/answer-log.ts'
import { openEndpointPool } from '../../../extractors/models/endpoint-pool.ts'
import { BudgetOptions, EndpointOptions, RetryOptions } from '../../../extractors/models/endpoint-options.ts'
import { openEndpoints } from '../../../extractors/models/endpoint.ts'
import { openModelService } from '../../../extractors/models/model-service.ts'
import type { ModelService } from '../../../extractors/models/model-service.ts'
import type { ModelRequest } from '../../../extractors/models/types.ts'
import { startChatServer } from '../../chat-server.ts'
import type { ChatServer, ChatServerOptions, Question } from '../../chat-server.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const ANSWER = { content: 'One kernel, eight words long, for every question.', reasoning: 'Tiles of 64 rows.' }
const QUICK = { first_delay_s: 0.01, max_delay_s: 0.02, patience_s: 5 }

describe('a model service', () => {
  test.each(['reasoning_content', 'reasoning'] as const)('takes %s apart from the answer', async (reasoningIn) => {
    const { service } = await openService({ server: { reasoningIn } })
    expect(await service.ask(question(0))).toEqual({
      kind: 'answer',
      answer: {
        content: ANSWER.content,
        reasoning: ANSWER.reasoning,
        finish_reason: 'stop',
        refusal: null,
        served_model: 'small',
        usage: { prompt_tokens: 2, completion_tokens: 17, reasoning_tokens: null, counted_by: 'server' },
      },
    })
  })

  test('takes a whole answer from a server that is not to stream', async () => {
    const { service, server } = await openService({ endpoint: { stream: false } })
    expect(await service.ask(question(0))).toMatchObject({ kind: 'answer', answer: ANSWER })
    expect(server.questions).toMatchObject([{ stream: false, temperature: 0.5, max_tokens: 100, seed: 7 }])
  })

  test('counts what a server does not report', async () => {
    const { service } = await openService({ server: { usage: false } })
    expect(await service.ask(question(0))).toMatchObject({ answer: { usage: { counted_by: 'counted' } } })
    expect(service.spent.tokens).toBeGreaterThan(10)
  })

  test.each([
    ['a full server', { kind: 503 }],
    ['a connection cut within the answer', { kind: 'cut' }],
    ['an answer that stops coming', { kind: 'hang' }],
    ['something that is no answer', { kind: 'garbage' }],
  ] as const)('asks again after %s', async (_, fault) => {
    const { service, server } = await openService({ endpoint: { stall_s: 0.3 } })
    server.addFault(fault)
    expect(await service.ask(question(0))).toMatchObject({ kind: 'answer', answer: ANSWER })
    expect(server.questions).toHaveLength(2)
  })

  test.each([
    ['no JSON', 'data: {"choices": [\n\n'],
    ['an error within the stream', 'data: {"error": {"message": "out of memory"}}\n\n'],
    ['choices that are none', 'data: {"choices": "all"}\n\ndata: [DONE]\n\n'],
    ['an end that no model declared', 'data: {"choices": [{"delta": {"content": "class"}}]}\n\ndata: [DONE]\n\n'],
    ['bytes that are no text', '\ufffd\u0000'.repeat(1000)],
    ['nothing', ''],
  ])('asks again after a stream of %s', async (_, body) => {
    const { service, server } = await openService()
    server.addFault({ kind: 'raw', body })
    expect(await service.ask(question(0))).toMatchObject({ kind: 'answer', answer: ANSWER })
    expect(server.questions).toHaveLength(2)
  })

  test('reads what it can of a stream with fields of other types', async () => {
    const { service, server } = await openService()
    const choice = { index: 0, delta: { content: ['parts'], reasoning: 'Tiles.' }, finish_reason: 'stop' }
    const usage = { prompt_tokens: -5, completion_tokens: 'many' }
    server.addFault({ kind: 'raw', body: `data: ${JSON.stringify({ choices: [choice], usage })}\n\ndata: [DONE]\n\n` })
    expect(await service.ask(question(0))).toMatchObject({
      kind: 'answer',
      answer: { content: '', reasoning: 'Tiles.', usage: { counted_by: 'counted' } },
    })
  })

  test('waits as long as a server that limits the rate asks, and counts it as no attempt', async () => {
    const { service, server } = await openService({ retry: { max_attempts: 1 } })
    server.addFault({ kind: 429, times: 3, headers: { 'retry-after-ms': '120' } })
    const started = performance.now()
    expect(await service.ask(question(0))).toMatchObject({ kind: 'answer' })
    expect(performance.now() - started).toBeGreaterThan(3 * 120 - 10)
    expect(server.questions).toHaveLength(4)
  })

  test('goes on with the other server while one limits the rate', async () => {
    const [limited, other] = [await startServer(), await startServer()]
    const { service } = await openService({ urls: [limited.url, other.url] })
    limited.addFault({ kind: 429, times: 100, headers: { 'retry-after': '3600' } })
    const outcomes = await askMany(service, 20)
    expect(outcomes.every(({ kind }) => kind === 'answer')).toBe(true)
    expect(other.finished).toHaveLength(20)
    // Those that were under way when the first refusal came, and none after it.
    expect(limited.questions.length).toBeLessThanOrEqual(4)
  })

  test('shares questions among servers by weight, and never asks more at once than each allows', async () => {
    const [heavy, light] = [await startServer({ thinkMs: 5 }), await startServer({ thinkMs: 5 })]
    const { service } = await openService({
      endpoints: [
        { model: 'small', url: heavy.url, weight: 3, max_concurrent: 6 },
        { model: 'small', url: light.url, weight: 1, max_concurrent: 2 },
      ],
    })
    await askMany(service, 80)
    expect(heavy.mostAtOnce()).toBeLessThanOrEqual(6)
    expect(light.mostAtOnce()).toBeLessThanOrEqual(2)
    expect(heavy.finished.length).toBeGreaterThan(light.finished.length)
    expect(light.finished.length).toBeGreaterThan(0)
  })

  test('gives up a question that no attempt gets through with while others are answered, until the next run', async () => {
    const { service, server, log } = await openService({ retry: { max_attempts: 2 } })
    const isPoison = ({ messages }: Question): boolean => messages[0]?.content === 'poison'
    // Time enough for another question, however busy the machine is.
    server.addFault({ kind: 500, times: 100, headers: { 'Retry-After': '1' }, where: isPoison })
    const poison = { ...question(1), messages: [{ role: 'user' as const, content: 'poison' }] }
    const poisoned = { isOver: false }
    const others = (async () => {
      for (let number = 2; !poisoned.isOver; number += 1) await service.ask(question(number))
    })()
    const outcome = await service.ask(poison).finally(() => (poisoned.isOver = true))
    expect(outcome).toEqual({
      kind: 'refused',
      reason: 'endpoint_failed',
      detail: 'server_error: 500 Injected failure',
    })
    await others
    expect(server.questions.filter(isPoison)).toHaveLength(2)
    expect(log.has('refused', poison.key)).toBe(false)
  })

  test('refuses a question that the server refuses, once it has answered another', async () => {
    const { service, server } = await openService()
    await service.ask(question(0))
    server.addFault({ kind: 400, body: { error: { message: 'maximum context length is 4096' } } })
    expect(await service.ask(question(1))).toEqual({
      kind: 'refused',
      reason: 'request_refused',
      detail: '400 maximum context length is 4096',
    })
  })

  test.each([
    ['a wrong key', { key: 'another-key' }, {}, 'endpoint_unauthorized'],
    ['a wrong address', {}, { path: '/v2' }, 'endpoint_not_found'],
  ] as const)('stops at %s', async (_, server, { path = '/v1' }: { path?: string }, code) => {
    const running = await startServer(server)
    const { service } = await openService({ urls: [running.url.replace('/v1', path)], key: 'sk-secretsecret' })
    await expect(service.ask(question(0))).rejects.toMatchObject({ code })
    await expect(service.ask(question(1))).rejects.toMatchObject({ code })
    expect(running.questions).toHaveLength(0)
  })

  test('keeps the key out of errors although the server quotes it', async () => {
    const server = await startServer({ key: 'right' })
    const { service, path } = await openService({ urls: [server.url], key: 'my very own key' })
    const error: unknown = await service.ask(question(0)).catch((thrown: unknown) => thrown)
    expect(String(error)).toContain('Incorrect API key provided: Bearer ***')
    expect(await readFile(path, 'utf8')).not.toContain('very own')
  })

  test('says which server cannot be reached when none works', async () => {
    const server = await startServer()
    await server.close()
    const { service } = await openService({ urls: [server.url], retry: { max_attempts: 2 } })
    await expect(service.ask(question(0))).rejects.toMatchObject({ code: 'endpoint_unreachable', retryable: true })
  })
})

describe('what was paid for', () => {
  test('is not asked for again, in the same run or in another', async () => {
    const { service, server, path, log } = await openService()
    const [first, same] = await Promise.all([service.ask(question(0)), service.ask(question(0))])
    expect(same).toEqual(first)
    await log.close()
    const again = await openService({ urls: [server.url], path })
    expect(await again.service.ask(question(0))).toEqual(first)
    expect(server.questions).toHaveLength(1)
    expect(again.service.spent).toEqual({ requests: 1, tokens: 19, cost: 0 })
  })

  test('survives a line that a killed process left half, and damage in the middle', async () => {
    const { service, server, path, log } = await openService()
    for (const number of [0, 1, 2]) await service.ask(question(number))
    await log.close()
    const lines = (await readFile(path, 'utf8')).split('\n')
    lines[3] = lines[3]?.replace('"answer"', '"ans\u0000er"') ?? ''
    await writeFile(path, lines.join('\n'))
    const { length } = await readFile(path)
    await truncate(path, length - 30)
    const again = await openService({ urls: [server.url], path })
    for (const number of [0, 1, 2]) expect(await again.service.ask(question(number))).toMatchObject({ answer: ANSWER })
    // The first was whole; the second was damaged and the third cut: only these were asked for again.
    expect(server.questions).toHaveLength(5)
    expect(again.log.numDamaged).toBe(1)
    const third = await openService({ urls: [server.url], path })
    for (const number of [0, 1, 2]) await third.service.ask(question(number))
    expect(server.questions).toHaveLength(5)
    // The half line is gone: nothing was written behind it.
    expect(third.log.numDamaged).toBe(1)
  })
})

describe('a budget', () => {
  test.each([
    ['requests', { requests: 7 }, 7],
    // A question takes 2 tokens for the server, and 7 as counted here with the marks of a template; an answer 17 of at most 100.
    ['tokens', { tokens: 3 * 19 + 107 }, 4],
    ['money', { cost: (3 * (2 * 1 + 17 * 10) + (7 + 100 * 10)) / 1e6 }, 4],
  ] as const)('of %s is kept to the question', async (_, budget, asked) => {
    const { service, server } = await openService({ budget, endpoint: { price: { input: 1, output: 10 } } })
    const outcomes = await askMany(service, 30)
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: asked }, () => 'answer'),
      ...Array.from({ length: 30 - asked }, () => 'not_asked'),
    ])
    expect(server.questions).toHaveLength(asked)
  })

  test('goes on where it was in the next run, with what was under way when the process was killed', async () => {
    const { service, server, path, log } = await openService({ budget: { requests: 4 } })
    await askMany(service, 2)
    await log.append('asked', 'killed', { model: 'small', prompt_tokens: 6 })
    await log.close()
    const again = await openService({ urls: [server.url], path, budget: { requests: 4 } })
    expect((await askMany(again.service, 6)).filter(({ kind }) => kind === 'answer')).toHaveLength(3)
    expect(server.questions).toHaveLength(3)
  })

  test('counts the tokens of an answer that was cut off', async () => {
    const { service, server } = await openService()
    server.addFault({ kind: 'cut' })
    await service.ask(question(0))
    expect(service.spent.requests).toBe(1)
    expect(service.spent.tokens).toBeGreaterThan(19)
  })
})

function question(number: number): ModelRequest {
  return {
    key: `key-${number}`,
    model: 'small',
    messages: [{ role: 'user', content: `Make ${String(number).padStart(2, '0')}` }],
    sampling: { temperature: 0.5, top_p: null, max_tokens: 100, seed: 7, extra: {} },
  }
}

async function askMany(service: ModelService, count: number) {
  return Promise.all(Array.from({ length: count }, (_, number) => service.ask(question(number))))
}

async function startServer(options: Partial<ChatServerOptions> = {}): Promise<ChatServer> {
  const server = await startChatServer({ answer: () => ANSWER, ...options })
  onTestFinished(() => server.close())
  return server
}

interface Settings {
  readonly server?: Partial<ChatServerOptions>
  readonly urls?: readonly string[]
  readonly endpoints?: readonly object[]
  readonly endpoint?: object
  readonly retry?: object
  readonly budget?: object
  readonly key?: string
  readonly path?: string
}

async function openService(
  settings: Settings = {},
): Promise<{ service: ModelService; server: ChatServer; log: AnswerLog; path: string }> {
  const server = await startServer(settings.server)
  const { urls = [server.url], endpoint, key, retry, budget } = settings
  const named = settings.endpoints ?? urls.map((url) => ({ model: 'small', url, max_concurrent: 4, ...endpoint }))
  const endpoints = named.map((each) => EndpointOptions.parse({ ...each, key: key === undefined ? null : 'TEST_KEY' }))
  const path = settings.path ?? join(await temporaryFolder(), 'answers', 'entry.jsonl')
  const log = await openAnswerLog(path)
  onTestFinished(() => log.close().catch(() => undefined))
  const pool = openEndpointPool(openEndpoints(endpoints, { TEST_KEY: key }), RetryOptions.parse({ ...QUICK, ...retry }))
  const signal = new AbortController().signal
  const service = await openModelService({ pool, log, endpoints, budget: BudgetOptions.parse(budget ?? {}), signal })
  return { service, server, log, path }
}
