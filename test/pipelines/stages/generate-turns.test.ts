import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packageRoot } from '../../../pipelines/core/package-root.ts'
import { answers } from '../../../pipelines/core/records/answer.ts'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import type { Candidate } from '../../../pipelines/core/records/candidate.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { trajectories } from '../../../pipelines/core/records/trajectory.ts'
import type { Question, Said } from '../../chat-server.ts'
import type { Validator } from '../../../validators/types.ts'
import { aCandidate, aTask } from '../../records.ts'
import { MODELS, codeBlock, generate, openScreening, stageWith } from './model-generation.ts'
import { filesUnder } from './stage-run.ts'

// The validator is the real one: a judge, a sandbox and PyTorch for every turn. One for all, since a judge takes seconds to start.
const cacheFolder = await mkdtemp(join(tmpdir(), 'curate-test-'))
const validator = await openScreening(cacheFolder)
const silent: Validator = { ...validator, evaluate: async () => Promise.reject(new Error('judged again')) }
afterAll(async () => {
  await validator.close()
  await rm(cacheFolder, { recursive: true, force: true })
})

const TASK = aTask()
const RIGHT = answer('return x + x')
const WRONG = answer('return x * 3')

test('tells the model what came of each turn, until it is right', async () => {
  const broken = answer('return x.no_such_thing()')
  const said = [{ content: 'Let me think.' }, broken, WRONG, RIGHT]
  const { run, server } = await generate({ samples: 1, turns: 6 }, { answer: byTurn(said), validator })
  expect(server.questions.map(({ messages }) => messages.length)).toEqual([2, 4, 6, 8])
  const told = server.questions.map(({ messages }) => messages.at(-1)?.content ?? '')
  expect(told[1]).toContain('No implementation could be read from your answer: Let me think.')
  expect(told[2]).toMatch(/fails when it runs[\s\S]*no_such_thing/)
  expect(told[3]).toMatch(/what it returns is wrong[\s\S]*expected/)
  const turns = await run.read(trajectories, MODELS)
  const made = await run.read(candidates, MODELS)
  expect(made).toHaveLength(3)
  expect(
    turns.map(({ turn, candidate_id, parent_id, feedback }) => ({ turn, candidate_id, parent_id, feedback })),
  ).toEqual([
    { turn: 1, candidate_id: made[0]?.id, parent_id: null, feedback: null },
    { turn: 2, candidate_id: made[1]?.id, parent_id: made[0]?.id, feedback: told[2] },
    { turn: 3, candidate_id: made[2]?.id, parent_id: made[1]?.id, feedback: told[3] },
  ])
  expect(await run.read(rejects, MODELS)).toMatchObject([{ reason: 'no_code' }])
  expect((await run.read(answers, MODELS)).map(({ turn, problem }) => [turn, problem])).toEqual([
    [0, 'no_code'],
    [1, null],
    [2, null],
    [3, null],
  ])

  // Verdicts lie beside the answers: nothing is asked or judged again.
  const before = await filesUnder(run.folder(MODELS))
  await server.close()
  await run.run(stageWith(silent))
  expect(await filesUnder(run.folder(MODELS))).toEqual(before)
})

test('asks for a launcher without PyTorch, says what is wrong with it, and starts repairs from such ones alone', async () => {
  const wrong = launcher('x[i] * 3')
  const rows = [
    { task: TASK.id, code: wrong.content, model: 'another' },
    { task: TASK.id, code: WRONG.content, model: 'another' },
  ]
  const { run, server } = await generate(
    { samples: 1, turns: 2, start: 'failed_candidates', prompt: 'repair-cpp-native' },
    { answer: byTurn([launcher('x[i] * 4'), launcher('x[i] * 2')]), validator },
    [TASK],
    {
      imports: [
        { id: 'libraries', path: 'libraries.jsonl', form: 'native', jsonl: {} },
        { id: 'modules', path: 'modules.jsonl', jsonl: {} },
      ],
    },
    { 'libraries.jsonl': JSON.stringify(rows[0]), 'modules.jsonl': JSON.stringify(rows[1]) },
  )
  expect(server.questions.map(({ messages }) => messages.length)).toEqual([2, 4])
  expect(server.questions[0]?.messages[1]?.content).toMatch(/```cpp\n[\s\S]*x\[i\] \* 3[\s\S]*what it returns is wrong/)
  const told = server.questions[1]?.messages.at(-1)?.content
  expect(told).toMatch(/^Your source file runs, and what it returns is wrong[\s\S]*in one `cpp` code block/)
  expect(await run.read(candidates, MODELS)).toMatchObject([
    { form: 'native', language: 'cpp', entry_point: 'candidate.cpp::run', requires: [] },
    { form: 'native', sources: [{ path: 'candidate.cpp', content: expect.stringContaining('x[i] * 2') }] },
  ])
  expect(await run.read(trajectories, MODELS)).toHaveLength(3)
})

test('ends a conversation in which the model has nothing new to say', async () => {
  const { server } = await generate(
    { samples: 1, turns: 6 },
    { answer: byTurn([WRONG, answer('return x * 3  # same')]), validator },
  )
  expect(server.questions).toHaveLength(2)
})

test('samples hard tasks more often, and stops at enough right answers', async () => {
  const hard = aTask({ name: 'hard', reference: TASK.reference.replace('x * 2', 'x * 2 + 0') })
  let next = 0
  const said = ({ messages }: Question): Said => {
    next += 1
    const isHard = messages.at(-1)?.content.includes('x * 2 + 0') === true
    return answer(isHard ? `return x * ${next + 2}` : `return x + x + ${next} * 0`)
  }
  const drawn = { samples: 2, max_samples: 5, enough: 2 }
  const { run, server } = await generate(drawn, { answer: said, validator }, [TASK, hard])
  const counts = [TASK, hard].map(
    (task) => server.questions.filter(({ messages }) => messages.at(-1)?.content.includes(task.reference)).length,
  )
  expect(counts).toEqual([2, 5])
  expect(await run.read(candidates, MODELS)).toHaveLength(7)
})

test('begins with implementations that failed, and leaves those that are right alone', async () => {
  const rows = [WRONG, RIGHT].map(({ content }) => ({ task: TASK.id, code: content, model: 'another' }))
  const imports = [{ id: 'outputs', path: 'outputs.jsonl', jsonl: {} }]
  const { run, server } = await generate(
    { samples: 1, start: 'failed_candidates', prompt: 'repair-cpp' },
    { answer: () => RIGHT, validator },
    [TASK],
    { imports },
    { 'outputs.jsonl': rows.map((row) => JSON.stringify(row)).join('\n') },
  )
  expect(server.questions).toHaveLength(1)
  const question = server.questions[0]?.messages.at(-1)?.content
  expect(question).toContain('return x * 3')
  expect(question).toContain('what it returns is wrong')
  const [wrong] = await run.read(candidates, { stage: 'generate', shard: 'outputs' })
  const [repaired] = await run.read(candidates, MODELS)
  expect(await run.read(trajectories, MODELS)).toMatchObject([
    { turn: 0, candidate_id: wrong?.id, parent_id: null, feedback: null },
    { turn: 1, candidate_id: repaired?.id, parent_id: wrong?.id, feedback: expect.stringContaining('is wrong') },
  ])
})

const EXAMPLES = join(packageRoot, 'extractors', 'prompts', 'examples')
const examples = readdirSync(EXAMPLES).flatMap((name) =>
  readdirSync(join(EXAMPLES, name))
    .filter((file) => file !== 'reference.py')
    .map((file) => [name, file] as const),
)

// A binding to PyTorch takes a compiler ten seconds. One of them stands for all; of the others the kernels, without it, are those of `native`.
const isAll = process.env['CURATE_ALL_EXAMPLES'] === '1'
const bound = examples.filter(([name, file]) => file === 'cuda.py' || (file === 'cpp.py' && name !== 'rms-norm'))
const judged = examples.filter((example) => isAll || !bound.includes(example))

test.each(bound)('%s/%s, which prompts show, has the kernel of its native form', (name, file) => {
  const read = (path: string): string => readFileSync(join(EXAMPLES, name, path), 'utf8')
  const native = read(file === 'cuda.py' ? 'native.cu' : 'native.cpp')
  const [, kernel = ''] = /^((?:constexpr|__global__) [^]*?^\})\n\n\/\/ in: /m.exec(native) ?? []
  expect(kernel.length).toBeGreaterThan(500)
  expect(read(file)).toContain(kernel)
})

test.each(judged)('%s/%s, which prompts show, is right', { timeout: 120_000 }, async (name, file) => {
  const text = (path: string): string => readFileSync(join(EXAMPLES, name, path), 'utf8')
  const task = aTask({ name, reference: text('reference.py') })
  const [evaluation] = await validator.evaluate({ task, candidate: aCandidate(task, programIn(file, text(file))) })
  // Without a GPU, CUDA is only compiled.
  expect(evaluation).toMatchObject(
    evaluation?.status === 'NOT_RUN' && ['cuda.py', 'native.cu'].includes(file)
      ? { build: { compiler: expect.stringContaining('nvcc') } }
      : { status: 'PASSED' },
  )
})

function programIn(file: string, text: string): Partial<Candidate> {
  if (!file.endsWith('.py')) {
    const language = file.endsWith('.cu') ? 'cuda' : 'cpp'
    return { language, form: 'native', entry_point: `${file}::run`, sources: [{ path: file, content: text }] }
  }
  return { language: file.replace('.py', ''), sources: [{ path: 'kernel.py', content: withFewHeaders(text) }] }
}

// `torch/extension.h` alone takes a compiler 20 seconds. That PyTorch's binding by it works is proved by a kernel of the validator's tests.
function withFewHeaders(source: string): string {
  const [, name = ''] = /functions=\["(\w+)"\]/.exec(source) ?? []
  const operator = `TORCH_LIBRARY(${name}_extension, m) { m.def("${name}", &${name}); }`
  return source
    .replace('#include <torch/extension.h>', FEW_HEADERS)
    .replace(/^\}\n"""$/m, `}\n${operator}\n"""`)
    .replace(/cpp_sources="torch::Tensor.*"/, 'cpp_sources=""')
    .replace(`functions=["${name}"]`, 'is_python_module=False, no_implicit_headers=True')
    .replace('_extension = load_inline', 'load_inline')
    .replace(`_extension.${name}`, `torch.ops.${name}_extension.${name}`)
}

const FEW_HEADERS = `#include <torch/library.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
namespace torch { using at::Tensor; using at::empty; using at::empty_like; }`

function answer(body: string): Said {
  return { content: codeBlock(`def forward(self, x):\n        ${body}`), reasoning: 'Thought.' }
}

function launcher(value: string): Said {
  const code = `#include <cstdint>
extern "C" int run(void **in, void **out, const int64_t *dims, void *, void *) {
  const float *x = static_cast<float *>(in[0]);
  int64_t count = 1;
  for (int64_t axis = 1; axis <= dims[0]; ++axis) count *= dims[axis];
  for (int64_t i = 0; i < count; ++i) static_cast<float *>(out[0])[i] = ${value};
  return 0;
}`
  return { content: `\`\`\`cpp\n${code}\n\`\`\`\n` }
}

function byTurn(said: readonly Said[]): (question: Question) => Said {
  return ({ messages }) => said[messages.filter(({ role }) => role === 'assistant').length] ?? { content: '' }
}
