import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { answers } from '../../../pipelines/core/records/answer.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { countTokens } from '../../../pipelines/core/tokenizer.ts'
import { generateStage } from '../../../pipelines/stages/generate.ts'
import type { Question, Said } from '../../chat-server.ts'
import { aTask } from '../../records.ts'
import { MODELS, codeBlock, generate } from './model-generation.ts'
import { aRecipe, filesUnder, openStageRun } from './stage-run.ts'

const SHARD = MODELS

describe('generate with models', () => {
  test('asks for as many samples as wanted, each with a seed of its own, and makes candidates of them', async () => {
    const { run, server } = await generate({ samples: 3, sampling: { temperature: 0.7 } })
    const [first, ...others] = await run.read(candidates, SHARD)
    expect(others).toHaveLength(2)
    const seeds = server.questions.map(({ seed }) => seed)
    expect(new Set(seeds).size).toBe(3)
    expect(first).toMatchObject({
      origin: 'generated',
      generator: 'small',
      source: 'models',
      form: 'python',
      license: null,
      reasoning: { text: `Seed ${seeds[0] ?? 0}.`, kind: 'model', tokenizer: 'o200k_base' },
      generation: { prompt: 'write-triton@2', sample: 0, turn: 0, temperature: 0.7, seed: seeds[0] },
    })
    const rows = await run.read(answers, SHARD)
    expect(rows.map(({ sample, candidate_id, problem }) => [sample, candidate_id, problem])).toEqual(
      [first, ...others].map((candidate, sample) => [sample, candidate?.id, null]),
    )
    expect(rows[0]?.prompt_sha256).toBe(first?.generation?.prompt_sha256)
    expect(rows[0]?.id).toBe(first?.generation?.answer_id)
    expect(server.questions[0]?.messages.at(-1)?.content).toContain(aTask().reference)
  })

  test.each([
    ['truncated_answer', { content: 'A kernel', finish_reason: 'length' }],
    ['truncated_answer', { content: `\`\`\`python\nclass ModelNew:` }],
    ['refused', { content: '', refusal: 'No.' }],
    ['refused', { content: 'I cannot help with that.' }],
    ['refused', { content: 'Well', finish_reason: 'content_filter' }],
    ['empty_answer', { content: '', reasoning: 'Much thought.' }],
    ['no_code', { content: 'One would tile it.' }],
    ['no_entry_point', { content: '```python\nclass Model: ...\n```' }],
    ['several_code_blocks', { content: '```python\nSIZE = 4\n```\n```python\nclass ModelNew:\n    n = SIZE\n```' }],
  ] as const)('keeps an answer it cannot use, as %s', async (problem, said) => {
    const { run } = await generate({ samples: 1 }, { answer: () => said })
    const [answer] = await run.read(answers, SHARD)
    expect(answer).toMatchObject({ problem, candidate_id: null, content: said.content })
    expect(await run.read(rejects, SHARD)).toMatchObject([{ record_id: answer?.id, by: 'generate@5', reason: problem }])
    expect(await run.read(candidates, SHARD)).toEqual([])
  })

  test('keeps one of the samples with the same code, the one with the shortest reasoning', async () => {
    const said = [
      { content: code(1), reasoning: 'A long chain of thought about it.' },
      { content: code(1, '  # a comment'), reasoning: 'Short.' },
      { content: code(2), reasoning: 'Another.' },
    ]
    const { run } = await generate({ samples: 3 }, { answer: inOrder(said) })
    const kept = await run.read(candidates, SHARD)
    expect(new Set(kept.map(({ reasoning }) => reasoning?.text))).toEqual(new Set(['Another.', 'Short.']))
    const [short] = kept.filter(({ reasoning }) => reasoning?.text === 'Short.')
    expect(await run.read(rejects, SHARD)).toMatchObject([
      { reason: 'duplicate_code', detail: `the same code as candidate ${short?.id}` },
    ])
    const problems = (await run.read(answers, SHARD)).map(({ problem }) => problem)
    expect(problems.filter((problem) => problem === 'duplicate_code')).toHaveLength(1)
  })

  test('takes the plan before the code as reasoning where the prompt asks for one', async () => {
    const content = `## Plan\n\nOne program per row.\n\n## Code\n\n${code(1)}`
    const { run } = await generate({ samples: 1, prompt: 'plan-triton' }, { answer: () => ({ content }) })
    expect(await run.read(candidates, SHARD)).toMatchObject([
      {
        reasoning: {
          text: '## Plan\n\nOne program per row.',
          num_tokens: await countTokens('## Plan\n\nOne program per row.'),
        },
      },
    ])
  })

  test('keeps secrets and people out of what it writes', async () => {
    const reasoning = 'Ask jane.doe@example.org about /home/jane/kernels on 10.1.2.3, hf_abcdefghijklmnop.'
    const { run } = await generate(
      { samples: 1 },
      { answer: () => ({ content: `${reasoning}\n${code(1)}`, reasoning }) },
    )
    const clean = 'Ask [email] about /home/[user]/kernels on [host], hf_***.'
    expect(await run.read(candidates, SHARD)).toMatchObject([{ reasoning: { text: clean } }])
    expect(await run.read(answers, SHARD)).toMatchObject([
      { reasoning: clean, content: expect.stringMatching(/^Ask \[email\] about/) },
    ])
  })

  test('says for each task what the budget did not reach for', async () => {
    const many = [1, 2, 3].map((size) => aTask({ name: `task-${size}`, reference: reference(size) }))
    const { run, server } = await generate({ samples: 2, budget: { requests: 3 } }, {}, many)
    expect(server.questions).toHaveLength(3)
    expect(
      (await run.read(rejects, SHARD)).map(({ record_id, reason, detail }) => [record_id, reason, detail]),
    ).toEqual([
      [
        many[1]?.id,
        'budget_exhausted',
        '1 questions were not asked: the budget of the recipe does not reach for this question',
      ],
      [
        many[2]?.id,
        'budget_exhausted',
        '2 questions were not asked: the budget of the recipe does not reach for this question',
      ],
    ])
  })

  test('asks nothing again and writes the same bytes, also when the server answers otherwise', async () => {
    const { run, server } = await generate({ samples: 4 })
    const before = await filesUnder(run.folder(SHARD))
    const asked = server.questions.length
    await server.close()
    await run.run(generateStage)
    expect(await filesUnder(run.folder(SHARD))).toEqual(before)
    expect(server.questions).toHaveLength(asked)
  })

  test('goes on after a server that broke down, without what was answered', async () => {
    const many = [1, 2, 3, 4].map((size) => aTask({ name: `task-${size}`, reference: reference(size) }))
    const options = { samples: 2, retry: { max_attempts: 3 } }
    const undisturbed = await generate(options, {}, many)
    const { run, server, failure } = await generate(options, { faultAfter: 3 }, many)
    expect(failure).toMatchObject({ code: 'endpoint_server_error', retryable: true })
    const answered = server.finished.length
    server.repair()
    await run.run(generateStage)
    expect(answered).toBeGreaterThan(0)
    expect(server.finished).toHaveLength(8)
    expect(await filesUnder(run.folder(SHARD))).toEqual(await filesUnder(undisturbed.run.folder(SHARD)))
  })

  test('works through files where there is no network', async () => {
    const batch = { model: 'offline', requests: 'requests.jsonl', responses: 'responses.jsonl' }
    const { run, base, failure } = await generate({ samples: 2, batch, endpoints: [] })
    expect(failure).toMatchObject({ code: 'batch_waiting' })
    const lines = (await readFile(join(base, 'requests.jsonl'), 'utf8')).trim().split('\n')
    const responses = lines.map((line) => {
      const { custom_id } = JSON.parse(line)
      const body = { choices: [{ message: { content: code(custom_id) }, finish_reason: 'stop' }] }
      return JSON.stringify({ custom_id, response: { status_code: 200, body }, error: null })
    })
    await writeFile(join(base, 'responses.jsonl'), responses.join('\n'))
    await run.run(generateStage)
    expect(await run.read(candidates, SHARD)).toMatchObject([{ generator: 'offline' }, { generator: 'offline' }])
  })

  test('asks for tasks that imports bring, and only once for a task that is there twice', async () => {
    const program = reference(5)
    const imports = [{ id: 'bench', path: 'bench.jsonl', jsonl: {}, columns: { reference: 'code', code: null } }]
    const rows = [
      { task: 'a', code: program },
      { task: 'b', code: program },
    ]
    const files = { 'bench.jsonl': rows.map((row) => JSON.stringify(row)).join('\n') }
    const { server } = await generate({ samples: 1 }, {}, [aTask()], { imports }, files)
    expect(server.questions.map(({ messages }) => messages.at(-1)?.content.includes('* 5'))).toEqual([false, true])
  })

  test('takes a prompt of the user’s own', async () => {
    const own = '---\nid: mine\nversion: 7\nlanguage: triton\n---\n=== user ===\nMake it fast:\n{{reference}}\n'
    const { run, server } = await generate({ samples: 1, prompt: 'mine.md' }, {}, [aTask()], {}, { 'mine.md': own })
    expect(server.questions[0]?.messages).toEqual([
      { role: 'user', content: `Make it fast:\n\`\`\`python\n${aTask().reference.trimEnd()}\n\`\`\`` },
    ])
    expect(await run.read(candidates, SHARD)).toMatchObject([{ generation: { prompt: 'mine@7' } }])
  })

  test('shares samples among models by weight, the same way every time', async () => {
    const many = Array.from({ length: 20 }, (_, size) => aTask({ reference: reference(size) }))
    const endpoints = (url: string) => [
      { model: 'large', url, weight: 3 },
      { model: 'tiny', url },
    ]
    const ask = async () => {
      const { server } = await generate({ samples: 2, endpoints }, {}, many)
      return server.questions.map(({ model, seed }) => `${model} ${seed ?? ''}`).toSorted()
    }
    const first = await ask()
    expect(await ask()).toEqual(first)
    const large = first.filter((line) => line.startsWith('large')).length
    expect(large).toBeGreaterThan(20)
    expect(large).toBeLessThan(40)
  })
})

describe('the plan of generate with models', () => {
  test('does not change with where servers are and how they are asked', () => {
    const plan = (entry: object) => {
      const models = [{ id: 'models', endpoints: [{ model: 'small', url: 'http://here/v1' }], ...entry }]
      return openStageRun('/nowhere', aRecipe({ generate: { models } })).plan(generateStage)[0]
    }
    const before = plan({})
    expect(plan({ endpoints: [{ model: 'small', url: 'http://there/v1', max_concurrent: 99 }] })).toEqual(before)
    expect(plan({ retry: { max_attempts: 99 } })).toEqual(before)
    expect(plan({ endpoints: [{ model: 'large', url: 'http://here/v1' }] })).not.toEqual(before)
    expect(plan({ prompt: 'write-cuda' })).not.toEqual(before)
    expect(plan({ samples: 4 })).not.toEqual(before)
  })
})

function inOrder(said: readonly Said[]): (question: Question) => Said {
  let next = 0
  return () => said[next++] ?? { content: '' }
}

function reference(size: number): string {
  return aTask().reference.replace('x * 2', `x * ${size}`)
}

function code(of: number | string, comment = ''): string {
  return codeBlock(`of = "${of}"${comment}`)
}
