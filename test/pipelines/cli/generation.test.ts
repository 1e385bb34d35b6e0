import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { stringify } from 'yaml'
import { readParquet } from '../../../pipelines/core/parquet.ts'
import type { ParquetRow } from '../../../pipelines/core/parquet.ts'
import { bundledRecipes } from '../../../pipelines/config/load-recipe.ts'
import { startChatServer } from '../../chat-server.ts'
import type { Question, Said } from '../../chat-server.ts'
import { curate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

vi.setConfig({ testTimeout: 240_000 })

// The bundled recipes that ask models, at a small size: every stage for real, with a server of ours as the model.

const PROGRAM = `import torch


class Scale(torch.nn.Module):
    def forward(self, x):
        return x * 2


def get_inputs():
    return [torch.rand(64)]


def get_init_inputs():
    return []
`
const SMALL = { mode: 'screen', calls: 1, max_workloads: 1, timeout_s: 30, own_kernel: 'report' }
const VALIDATE = { ...SMALL, workers: 1, shards: 1 }
const LINES = { parquet: null, jsonl: {} }

// What cannot be timed, as on a machine that is busy, is in no part of ConCuR's rule: the selection is tested by itself.
test('concur: five answers per task, each a candidate with its reasoning', async () => {
  const { rows, questions } = await runRecipe('concur', {
    generate: { imports: [{ id: 'kernelbook', path: 'tasks.jsonl', ...LINES }] },
    validate: VALIDATE,
  })
  expect(questions).toHaveLength(5)
  expect(new Set(questions.map(({ seed }) => seed)).size).toBe(5)
  const made = await rows('candidates')
  expect(made).toHaveLength(5)
  expect(made[0]).toMatchObject({
    generator: 'cognition-ai/Kevin-32B',
    origin: 'generated',
    reasoning: expect.stringContaining('It is memory bound'),
  })
})

test('kevin: a conversation that goes on after it is right', async () => {
  const { rows, questions } = await runRecipe(
    'kevin',
    {
      generate: {
        imports: [{ id: 'operators', path: 'tasks.jsonl', ...LINES }],
        models: [{ id: 'conversations', samples: 1, turns: 3 }],
      },
      filters: { speedup: { min: 0.0001, untimed: 'keep' } },
    },
    { isWrongAtFirst: true },
  )
  expect(questions.map(({ messages }) => messages.length)).toEqual([2, 4, 6])
  expect(questions[1]?.messages.at(-1)?.content).toContain('what it returns is wrong')
  expect(questions[2]?.messages.at(-1)?.content).toMatch(
    /Your module is right\. It (takes [\d.]+ ms|could not be timed)/,
  )
  const [conversation] = await rows('multiturn')
  expect(conversation).toMatchObject({ num_turns: 3n, statuses: ['INCORRECT_NUMERICAL', 'PASSED', 'PASSED'] })
})

test('tritonrl: a plan and the code that follows it', async () => {
  const { rows, questions } = await runRecipe('tritonrl', {
    generate: {
      imports: [{ id: 'kernelbook', path: 'tasks.jsonl', ...LINES }],
      models: [{ id: 'traces', samples: 2 }],
    },
    filters: { reasoning: { kinds: ['model'], min_tokens: 3 } },
  })
  expect(questions[0]?.messages.at(-1)?.content).toContain('Answer in two parts. First a plan')
  const memoryBound = expect.stringContaining('It is memory bound')
  expect((await rows('sft')).map(({ reasoning }) => reasoning)).toEqual([memoryBound, memoryBound])
})

test('ascend-repair: what failed, why, and what was made of it', async () => {
  const { rows, questions } = await runRecipe(
    'ascend-repair',
    {
      validate: VALIDATE,
      generate: {
        imports: [
          { id: 'operators', path: 'tasks.jsonl', ...LINES },
          { id: 'outputs', path: 'outputs.jsonl' },
        ],
        models: [
          { id: 'repairs', samples: 1 },
          { id: 'corrections', samples: 1 },
        ],
      },
    },
    {
      isWrongAtFirst: true,
      outputs: [{ task: 'cuda-agent-ops/example/1', code: moduleOf('return x * 5'), model: 'elsewhere' }],
    },
  )
  expect(questions[0]?.messages.at(-1)?.content).toMatch(/return x \* 5[\s\S]*what it returns is wrong/)
  const repairs = await rows('repair')
  expect(repairs).toMatchObject([{ status: 'INCORRECT_NUMERICAL' }, { status: 'INCORRECT_NUMERICAL' }])
})

// Wrong at first where it is told to be, right afterwards, and another text each time.
function answer({ messages, seed = 0 }: Question, isWrongAtFirst: boolean): Said {
  const turn = messages.filter(({ role }) => role === 'assistant').length
  const isRepair = messages.at(-1)?.content.includes('This attempt does not work') === true
  const isRight = turn > 0 || isRepair || !isWrongAtFirst
  const body = isRight ? `return x + x + ${turn + (seed % 1000)} * 0` : 'return x * 3'
  return {
    content: `\`\`\`python\n${moduleOf(body)}\`\`\``,
    reasoning: `It is memory bound: one load and one store for each value, whatever seed ${seed} says.`,
  }
}

function moduleOf(body: string): string {
  return `import torch\n\n\nclass ModelNew(torch.nn.Module):\n    def forward(self, x):\n        ${body}\n`
}

interface RecipeRun {
  readonly questions: readonly Question[]
  readonly rows: (config: string) => Promise<ParquetRow[]>
}

async function runRecipe(
  name: string,
  changes: object,
  { isWrongAtFirst = false, outputs = [] }: { isWrongAtFirst?: boolean; outputs?: readonly object[] } = {},
): Promise<RecipeRun> {
  const server = await startChatServer({ answer: (question) => answer(question, isWrongAtFirst) })
  onTestFinished(() => server.close())
  const folder = await temporaryFolder()
  const task = {
    entry_point: 'Scale',
    python_code: PROGRAM,
    data_source: 'example',
    code: PROGRAM.replaceAll('Scale', 'Model'),
  }
  await writeFile(join(folder, 'tasks.jsonl'), JSON.stringify(task))
  await writeFile(join(folder, 'outputs.jsonl'), outputs.map((row) => JSON.stringify(row)).join('\n'))
  const recipe = { extends: (await bundledRecipes()).get(name), name, validate: VALIDATE, ...changes }
  await writeFile(join(folder, 'recipe.yaml'), stringify(recipe))
  const args = ['--recipe', join(folder, 'recipe.yaml'), '--work-dir', join(folder, 'work'), '--json']
  const { exitCode, stderr, stdout } = await curate(args, { OPENAI_BASE_URL: server.url })
  expect(exitCode, `${stderr}${stdout.slice(-2000)}`).toBe(0)
  const dataset = join(folder, 'work', name, 'export', 'all', 'dataset')
  expect(await readFile(join(dataset, 'README.md'), 'utf8')).toContain(name)
  return {
    questions: server.questions,
    async rows(config) {
      const files = await readdir(join(dataset, config)).catch(() => [])
      const paths = files.filter((file) => file.endsWith('.parquet')).map((file) => join(dataset, config, file))
      return (await Promise.all(paths.map((path) => Array.fromAsync(readParquet(path))))).flat()
    },
  }
}
