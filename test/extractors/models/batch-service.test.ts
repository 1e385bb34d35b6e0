import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openAnswerLog } from '../../../extractors/models/answer-log.ts'
import { openBatchService } from '../../../extractors/models/batch-service.ts'
import { BudgetOptions } from '../../../extractors/models/endpoint-options.ts'
import type { ModelRequest } from '../../../extractors/models/types.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

test('writes the questions that have no answer, as lines of a batch', async () => {
  const { open, files } = await folder()
  const service = await open()
  expect(await service.ask(question('a'))).toMatchObject({ kind: 'not_asked', reason: 'waits_for_batch' })
  await expect(service.finish()).rejects.toMatchObject({ code: 'batch_waiting', retryable: true })
  expect((await readFile(files.requests, 'utf8')).split('\n').map((line) => line && JSON.parse(line))).toEqual([
    {
      custom_id: 'a',
      method: 'POST',
      url: '/v1/chat/completions',
      body: {
        model: 'small',
        messages: [{ role: 'user', content: 'Make a' }],
        max_tokens: 50,
        seed: 3,
        chat_template_kwargs: { enable_thinking: true },
      },
    },
    '',
  ])
})

test('reads answers in any order, keeps them, and does without what it cannot read', async () => {
  const { open, files } = await folder()
  const body = { model: 'served', choices: [{ message: CONTENT, finish_reason: 'length' }], usage: USAGE }
  const lines = [
    'not json',
    '{"custom_id": 5}',
    JSON.stringify({
      id: '2',
      custom_id: 'b',
      response: { status_code: 400, body: { error: 'too long' } },
      error: null,
    }),
    JSON.stringify({ id: '1', custom_id: 'a', response: { status_code: 200, body }, error: null }),
    JSON.stringify({ id: '3', custom_id: 'c', response: null, error: { message: 'expired, sk-abcdefghijk' } }),
  ]
  await writeFile(files.responses, `${lines.join('\n')}\n`)
  const service = await open()
  const expected = {
    kind: 'answer',
    answer: {
      content: 'Code.',
      reasoning: 'Thought.',
      finish_reason: 'length',
      refusal: null,
      served_model: 'served',
      usage: { prompt_tokens: 5, completion_tokens: 9, reasoning_tokens: 4, counted_by: 'server' },
    },
  }
  expect(await service.ask(question('a'))).toEqual(expected)
  expect(await service.ask(question('b'))).toMatchObject({ kind: 'refused', reason: 'request_refused' })
  expect(await service.ask(question('c'))).toMatchObject({ detail: '{"message":"expired, sk-***"}' })
  await service.finish()
  await writeFile(files.responses, '')
  const again = await open()
  expect(await again.ask(question('a'))).toEqual(expected)
})

test.each([
  ['questions', { requests: 2 }, [['a', 'b']]],
  // 50 tokens at most per answer, 9 in the end, at 0.01 each.
  ['money', { cost: 0.59 }, [['a'], ['d']]],
] as const)('a budget of %s is kept round by round, whichever question comes first', async (_, budget, expected) => {
  const { open, files } = await folder()
  const rounds: string[][] = []
  const lines: string[] = []
  for (const keys of [
    ['a', 'b', 'c', 'd'],
    ['d', 'c', 'b', 'a'],
    ['d', 'c', 'b', 'a'],
  ]) {
    const service = await open(budget)
    for (const key of keys) await service.ask(question(key))
    const isWaiting = await service.finish().then(
      () => false,
      () => true,
    )
    if (!isWaiting) break
    const written = (await readFile(files.requests, 'utf8')).trim().split('\n')
    rounds.push(written.map((line) => z.looseObject({ custom_id: z.string() }).parse(JSON.parse(line)).custom_id))
    const body = { model: 'served', choices: [{ message: CONTENT, finish_reason: 'stop' }], usage: USAGE }
    const response = { status_code: 200, body }
    lines.push(...(rounds.at(-1) ?? []).map((custom_id) => JSON.stringify({ custom_id, response, error: null })))
    // Without a line break at the end, as some programs write.
    await writeFile(files.responses, lines.join('\n'))
  }
  expect(rounds).toEqual(expected)
  const service = await open(budget)
  expect(await service.ask(question('c'))).toMatchObject({ kind: 'not_asked', reason: 'budget_exhausted' })
  expect(await service.ask(question('a'))).toMatchObject({ kind: 'answer' })
})

test('leaves the questions of the last round where they are until there are others', async () => {
  const { open, files, base } = await folder()
  await writeFile(files.requests, 'before')
  const service = await open()
  await service.ask(question('a'))
  await service.close()
  expect(await readFile(files.requests, 'utf8')).toBe('before')
  expect((await readdir(base)).toSorted()).toEqual(['log.jsonl', 'requests.jsonl'])
})

const CONTENT = { role: 'assistant', content: 'Code.', reasoning_content: 'Thought.' }
const USAGE = { prompt_tokens: 5, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 4 } }

function question(key: string): ModelRequest {
  return {
    key,
    model: 'small',
    messages: [{ role: 'user', content: `Make ${key}` }],
    sampling: {
      temperature: null,
      top_p: null,
      max_tokens: 50,
      seed: 3,
      extra: { chat_template_kwargs: { enable_thinking: true } },
    },
  }
}

async function folder() {
  const base = await temporaryFolder()
  const files = { requests: join(base, 'requests.jsonl'), responses: join(base, 'responses.jsonl') }
  const open = async (budget: Partial<BudgetOptions> = {}) => {
    const log = await openAnswerLog(join(base, 'log.jsonl'))
    const price = { model: 'small', price: { input: 0, output: 1e4 } }
    const service = await openBatchService(files, log, { budget: BudgetOptions.parse(budget), price })
    onTestFinished(() => service.close().then(() => log.close()))
    return service
  }
  return { open, files, base }
}
