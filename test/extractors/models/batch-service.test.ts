import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openAnswerLog } from '../../../extractors/models/answer-log.ts'
import { openBatchService } from '../../../extractors/models/batch-service.ts'
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
  const open = async () => {
    const log = await openAnswerLog(join(base, 'log.jsonl'))
    onTestFinished(() => log.close())
    return openBatchService(files, log)
  }
  return { open, files }
}
