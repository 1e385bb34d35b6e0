import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { startChatServer } from '../../chat-server.ts'
import type { ChatServer } from '../../chat-server.ts'
import { curate, startCurate } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { filesUnder } from '../stages/stage-run.ts'

const TASKS = 20
const SAMPLES = 3
const KEY = 'sk-paid-with-this-0123456789'

test('a process that is killed again and again pays for no finished answer twice, and writes the same bytes', async () => {
  const undisturbed = await startServer()
  const expected = await recipeFolder(undisturbed)
  expect(await curate(expected.args, { MODEL_KEY: KEY })).toMatchObject({ exitCode: 0 })

  const server = await startServer()
  const { args, shard, log } = await recipeFolder(server)
  const kept = new Set<string>()
  for (const share of [0.2, 0.5, 0.8]) {
    const { child, ended } = startCurate(args, { MODEL_KEY: KEY })
    while (server.finished.length < share * TASKS * SAMPLES && child.exitCode === null) await sleep(5)
    child.kill('SIGKILL')
    await ended
    for (const seed of await answeredSeeds(log)) kept.add(seed)
    server.forget(kept)
  }
  expect(kept.size).toBeGreaterThan(5)
  expect(await curate(args, { MODEL_KEY: KEY })).toMatchObject({ exitCode: 0 })
  expect(server.askedAgain()).toEqual([])
  expect(await filesUnder(shard)).toEqual(await filesUnder(expected.shard))
})

test('the key is in no file of the run and in nothing that is printed, whatever the server does', async () => {
  const server = await startServer('another key')
  const { args, base } = await recipeFolder(server)
  const { exitCode, stdout, stderr } = await curate(args, { MODEL_KEY: KEY })
  expect(exitCode).toBe(1)
  expect(stdout).toContain('endpoint_unauthorized')
  expect(stdout + stderr).not.toContain(KEY)
  const written = await Promise.all(
    Object.keys(await filesUnder(base)).map((path) => readFile(join(base, path), 'utf8')),
  )
  expect(written.length).toBeGreaterThan(3)
  expect(written.join('\n')).not.toContain(KEY)
})

interface CountingServer extends ChatServer {
  /** From now on, a question with one of these seeds is one that was asked again. */
  forget(seeds: ReadonlySet<string>): void
  askedAgain(): string[]
}

async function startServer(key = KEY): Promise<CountingServer> {
  const known = new Set<string>()
  const again: string[] = []
  const server = await startChatServer({
    key,
    thinkMs: 30,
    answer({ seed = 0 }) {
      if (known.has(String(seed))) again.push(String(seed))
      return { content: `\`\`\`python\nclass ModelNew:\n    seed = ${seed}\n\`\`\``, reasoning: `Seed ${seed}.` }
    },
  })
  onTestFinished(() => server.close())
  return { ...server, forget: (seeds) => seeds.forEach((seed) => known.add(seed)), askedAgain: () => again }
}

async function answeredSeeds(log: string): Promise<string[]> {
  const text = await readFile(log, 'utf8').catch(() => '')
  const lines = text.split('\n').slice(0, -1)
  return lines
    .filter((line) => line.includes('"kind":"answer"'))
    .flatMap((line) => /Seed (\d+)\./.exec(line)?.[1] ?? [])
}

async function recipeFolder(server: ChatServer) {
  const base = await temporaryFolder()
  const rows = Array.from({ length: TASKS }, (_, size) =>
    JSON.stringify({ task: `scale-${size}`, program: programOf(size) }),
  )
  await writeFile(join(base, 'tasks.jsonl'), rows.join('\n'))
  const endpoint = { model: 'small', url: server.url, key: 'MODEL_KEY', max_concurrent: 4 }
  const recipe = {
    name: 'paid',
    generate: {
      imports: [{ id: 'tasks', path: 'tasks.jsonl', jsonl: {}, columns: { reference: 'program', code: null } }],
      models: [{ id: 'answers', samples: SAMPLES, endpoints: [endpoint] }],
    },
    filters: {},
    export: { configs: {}, formats: {} },
  }
  await writeFile(join(base, 'recipe.yaml'), stringify(recipe))
  const work = join(base, 'work')
  return {
    base,
    args: ['--recipe', join(base, 'recipe.yaml'), '--work-dir', work, '--to', 'generate', '--json'],
    shard: join(work, 'paid', 'generate', 'answers'),
    log: join(work, 'paid', 'answers', 'answers.jsonl'),
  }
}

function programOf(size: number): string {
  return `class Model:\n    size = ${size}\n\n\ndef get_inputs():\n    return []\n\n\ndef get_init_inputs():\n    return []\n`
}
