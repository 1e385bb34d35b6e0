// What asking a model costs, with a server of ours in its place: throughput, memory, what a SIGKILL costs, and whether a budget holds.
//   node bench/generate.ts [tasks] [samples] [undisturbed|kill|budget|overlap|turns]
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { z } from 'zod'
import { sha256OfFile } from '../pipelines/core/hash.ts'
import { readManifest } from '../pipelines/core/manifest.ts'
import { startChatServer } from '../test/chat-server.ts'
import type { ChatServer, Question } from '../test/chat-server.ts'
import { curate, startCurate } from '../test/curate-process.ts'

const [tasks = 1000, samples = 5] = process.argv.slice(2, 4).map(Number)
const part = process.argv[4] ?? null
const CONCURRENT = 64
const Judged = z.looseObject({ time: z.iso.datetime(), seconds: z.record(z.string(), z.number()) })
const base = await mkdtemp(join(tmpdir(), 'curate-bench-'))
try {
  await writeFile(join(base, 'tasks.jsonl'), Array.from({ length: tasks }, (_, index) => taskLine(index)).join('\n'))
  const wanted = (name: string): boolean => part === null || part === name
  const hashes = wanted('undisturbed') || wanted('kill') ? await measure('undisturbed') : []
  if (wanted('kill')) await measureKill(hashes)
  if (wanted('budget')) await measureBudget(Math.floor((tasks * samples) / 4))
  if (wanted('overlap')) await measureOverlap(12)
  if (wanted('turns')) await measureKilledTurns(12)
} finally {
  await rm(base, { recursive: true, force: true })
}

async function measure(name: string): Promise<string[]> {
  const server = await startServer()
  const started = performance.now()
  const { exitCode, stderr } = await curate(await argumentsFor(name, server, {}))
  const seconds = (performance.now() - started) / 1000
  if (exitCode !== 0) throw new Error(stderr)
  const manifest = await readManifest(shardOf(name))
  const chunks = server.finished.length
  say(`${tasks} tasks, ${samples} samples each, ${CONCURRENT} questions at a time`)
  say(
    `- ${chunks} answers in ${seconds.toFixed(1)} s with the start of the process: ${(chunks / seconds).toFixed(0)} answers/s`,
  )
  say(
    `- peak memory ${((manifest?.peak_memory_bytes ?? 0) / 1e6).toFixed(0)} MB, questions at once ${server.mostAtOnce()}`,
  )
  say(`- rows: ${JSON.stringify(manifest?.counts.written)}`)
  await server.close()
  return hashesOf(name)
}

async function measureKill(expected: readonly string[]): Promise<void> {
  const server = await startServer()
  const args = await argumentsFor('killed', server, {})
  const { child, ended } = startCurate(args)
  while (server.finished.length < 0.4 * tasks * samples) await sleep(10)
  child.kill('SIGKILL')
  await ended
  await sleep(500)
  const atKill = server.finished.length
  const kept = keptAnswers('killed')
  const { exitCode, stderr } = await curate(args)
  if (exitCode !== 0) throw new Error(stderr)
  const again = server.finished.slice(atKill).filter((question) => kept.has(nameOf(question))).length
  const twice = server.finished.length - new Set(server.finished.map(nameOf)).size
  const isSame = JSON.stringify(await hashesOf('killed')) === JSON.stringify(expected)
  say(`SIGKILL after ${atKill} answers had left the server, ${kept.size} of them kept`)
  say(`- kept answers that were asked for again: ${again}`)
  say(`- answers the server gave twice: ${twice}, of at most ${CONCURRENT} under way`)
  say(`- same bytes as undisturbed: ${isSame ? 'yes' : 'NO'}`)
  await server.close()
}

async function measureBudget(requests: number): Promise<void> {
  const server = await startServer()
  const { exitCode, stderr } = await curate(await argumentsFor('budget', server, { budget: { requests } }))
  if (exitCode !== 0) throw new Error(stderr)
  const manifest = await readManifest(shardOf('budget'))
  say(`Budget of ${requests} questions: the server was asked ${server.questions.length}`)
  say(`- rejects: ${JSON.stringify(manifest?.reject_reasons)}`)
  await server.close()
}

// Conversations of two turns with the real validator, one judge: were model and judge to wait for each other, it took the sum.
async function measureOverlap(count: number): Promise<void> {
  const thinkMs = 2000
  const server = await startChatServer({
    thinkMs,
    answer: ({ seed = 0 }) => ({
      content: `\`\`\`python\nimport torch\n\n\nclass ModelNew(torch.nn.Module):\n    def forward(self, x):\n        return x * -1 + ${seed} * 0\n\`\`\``,
    }),
  })
  const validate = { mode: 'screen', calls: 1, max_workloads: 1, workers: 1 }
  const changes = { turns: 2, samples: 1, tasks: { limit: count } }
  const args = await argumentsFor('overlap', server, changes, { max_concurrent: 2 }, { validate })
  const started = performance.now()
  const { exitCode, stderr } = await curate(args)
  const seconds = (performance.now() - started) / 1000
  if (exitCode !== 0) throw new Error(stderr)
  const lines = readFileSync(join(base, 'work', 'overlap', 'log.jsonl'), 'utf8').split('\n')
  const judged = lines.filter((line) => line.includes('"judged"')).map((line) => Judged.parse(JSON.parse(line)))
  const secondsOf = (each: z.infer<typeof Judged>): number =>
    Object.values(each.seconds).reduce((sum, value) => sum + value, 0)
  const judging = judged.slice(1).reduce((sum, each) => sum + secondsOf(each), 0)
  const times = judged.map(({ time }) => Date.parse(time) / 1000)
  const span = Math.max(...times) - Math.min(...times)
  const thinking = (server.finished.length * thinkMs) / 1000 / 2
  say(
    `${count} conversations of two turns, two questions at a time, one judge: ${seconds.toFixed(1)} s with the start of all processes`,
  )
  say(`- the model thought ${thinking.toFixed(1)} s with both places in use`)
  say(
    `- from the first verdict to the last ${span.toFixed(1)} s passed, ${judging.toFixed(1)} of them were judging (${judged.length} verdicts)`,
  )
  await server.close()
}

// Conversations of three turns with the real validator, the process killed twice among them.
async function measureKilledTurns(count: number): Promise<void> {
  const validate = { mode: 'screen', calls: 1, max_workloads: 1, workers: 1 }
  const changes = { turns: 3, until: 'last_turn', samples: 1, tasks: { limit: count } }
  async function run(name: string, shares: readonly number[]): Promise<{ server: ChatServer; kills: Kill[] }> {
    const server = await startChatServer({ answer: turnOf })
    const args = await argumentsFor(name, server, changes, { max_concurrent: 4 }, { validate })
    const kills: Kill[] = []
    for (const share of shares) {
      const { child, ended } = startCurate(args)
      while (server.finished.length < share * 3 * count) await sleep(10)
      child.kill('SIGKILL')
      await ended
      kills.push({ kept: keptAnswers(name), finished: server.finished.length })
    }
    const { exitCode, stderr } = await curate(args)
    if (exitCode !== 0) throw new Error(stderr)
    await server.close()
    return { server, kills }
  }
  const undisturbed = await run('turns', [])
  const { server, kills } = await run('killed-turns', [0.3, 0.6])
  const names = server.finished.map(nameOf)
  const again = kills.flatMap(({ kept, finished }) => names.slice(finished).filter((name) => kept.has(name)))
  const isSame = JSON.stringify(await hashesOf('turns')) === JSON.stringify(await hashesOf('killed-turns'))
  say(
    `${count} conversations of three turns, ${undisturbed.server.finished.length} answers; SIGKILL at 30 % and again at 60 % of them`,
  )
  say(
    `- kept then: ${kills.map(({ kept }) => kept.size).join(' and ')}; of those asked for again: ${again.length}; answers the server gave twice: ${names.length - new Set(names).size}`,
  )
  say(`- same bytes as undisturbed: ${isSame ? 'yes' : 'NO'}`)
}

interface Kill {
  readonly kept: ReadonlySet<string>
  /** Answers the server had sent to their end. */
  readonly finished: number
}

// Each turn another factor, the right one last.
function turnOf({ messages, seed = 0 }: Question) {
  const turn = messages.filter(({ role }) => role === 'assistant').length
  const factor = Number(
    /return x \* (\d+)/.exec(
      messages.findLast(({ role, content }) => role === 'user' && content.includes('class Model('))?.content ?? '',
    )?.[1] ?? 1,
  )
  const body = turn === 2 ? `x * ${factor}` : `x * ${factor + turn + 1}`
  return {
    reasoning: `Seed ${seed}.`,
    content: `\`\`\`python\nimport torch\n\n\nclass ModelNew(torch.nn.Module):\n    def forward(self, x):\n        return ${body} + ${seed % 7} * 0\n\`\`\``,
  }
}

async function startServer(): Promise<ChatServer> {
  return startChatServer({
    thinkMs: 20,
    answer: ({ seed = 0 }) => ({
      reasoning: `The module is memory bound. ${'Each value is loaded once and stored once. '.repeat(30)}Seed ${seed}.`,
      content: `\`\`\`python\nimport torch\n\n\nclass ModelNew(torch.nn.Module):\n    seed = ${seed}\n${'    # unrolled\n'.repeat(40)}\`\`\`\n`,
    }),
  })
}

async function argumentsFor(
  name: string,
  server: ChatServer,
  changes: object,
  endpoint: object = { max_concurrent: CONCURRENT },
  section: object = {},
): Promise<string[]> {
  const recipe = {
    name,
    generate: {
      imports: [{ id: 'tasks', path: 'tasks.jsonl', jsonl: {}, columns: { reference: 'reference', code: null } }],
      models: [
        {
          id: 'answers',
          samples,
          endpoints: [{ model: 'bench', url: server.url, ...endpoint }],
          ...changes,
        },
      ],
    },
    filters: {},
    export: { configs: {}, formats: {} },
    ...section,
  }
  const path = join(base, `${name}.yaml`)
  await writeFile(path, stringify(recipe))
  return ['--recipe', path, '--work-dir', join(base, 'work'), '--to', 'generate', '--json']
}

function taskLine(index: number): string {
  const reference = `import torch\n\n\nclass Model(torch.nn.Module):\n    def forward(self, x):\n        return x * ${index}\n\n\ndef get_inputs():\n    return [torch.rand(64)]\n\n\ndef get_init_inputs():\n    return []\n`
  return JSON.stringify({ task: `scale-${index}`, reference })
}

function shardOf(name: string): string {
  return join(base, 'work', name, 'generate', 'answers')
}

async function hashesOf(name: string): Promise<string[]> {
  const tables = ['answers', 'candidates', 'rejects', 'trajectories']
  return Promise.all(tables.map((table) => sha256OfFile(join(shardOf(name), `${table}.parquet`))))
}

// Seeds differ per sample and task, so a question is known by its seed.
function nameOf({ seed = 0 }: Question): string {
  return String(seed)
}

function keptAnswers(name: string): Set<string> {
  const path = join(base, 'work', name, 'answers', 'answers.jsonl')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const lines = text.split('\n').filter((line) => line.startsWith('{"kind":"answer"') && line.endsWith('}'))
  return new Set(lines.flatMap((line) => /Seed (\d+)\./.exec(line)?.[1] ?? []))
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
