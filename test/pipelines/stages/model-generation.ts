import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { tasks } from '../../../pipelines/core/records/task.ts'
import type { Task } from '../../../pipelines/core/records/task.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import { generateStage } from '../../../pipelines/stages/generate.ts'
import { validatorSettings } from '../../../pipelines/stages/validator-settings.ts'
import { openProgramWorker } from '../../../validators/program-worker.ts'
import type { Validator } from '../../../validators/types.ts'
import { openValidator } from '../../../validators/validator.ts'
import { startChatServer } from '../../chat-server.ts'
import type { ChatServer, ChatServerOptions } from '../../chat-server.ts'
import { aTask } from '../../records.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aRecipe, openStageRun } from './stage-run.ts'
import type { StageRun } from './stage-run.ts'

/** The shard of the entry. */
export const MODELS = { stage: 'generate', shard: 'models' } as const

const SCREEN = { mode: 'screen', calls: 1, max_workloads: 1, timeout_s: 20, workers: 1, shards: 1 }

/** What the server does. */
interface Faulty extends Partial<ChatServerOptions> {
  /** Answers after which the server fails, until it is repaired. */
  readonly faultAfter?: number
  /** Judges instead of one that is opened for this run alone: its first verdict takes seconds. */
  readonly validator?: Validator
}

interface Generated {
  readonly run: StageRun
  readonly server: ChatServer & { repair: () => void }
  readonly base: string
  readonly failure: unknown
}

/** Runs the stage on tasks of a repository, with an entry that asks a server of the test. */
export async function generate(
  entry: Readonly<Record<string, unknown>>,
  { faultAfter = Infinity, validator, ...options }: Faulty = {},
  known: readonly Task[] = [aTask()],
  section: object = {},
  files: Readonly<Record<string, string>> = {},
): Promise<Generated> {
  const server = await startChatServer({
    answer: ({ seed = 0 }) => ({ content: codeBlock(`of = ${seed}`), reasoning: `Seed ${seed}.` }),
    ...options,
  })
  onTestFinished(() => server.close().catch(() => undefined))
  let isBroken = faultAfter < Infinity
  server.addFault({ kind: 500, times: 1000, where: () => isBroken && server.finished.length >= faultAfter })
  const base = await temporaryFolder()
  for (const [name, text] of Object.entries(files)) await writeFile(join(base, name), text)
  const endpoints = typeof entry['endpoints'] === 'function' ? entry['endpoints'](server.url) : entry['endpoints']
  const models = [
    {
      id: 'models',
      ...entry,
      endpoints: endpoints ?? [{ model: 'small', url: server.url, max_concurrent: 3 }],
      retry: { first_delay_s: 0.01, max_delay_s: 0.02, ...Object(entry['retry']) },
    },
  ]
  const run = openStageRun(base, aRecipe({ validate: SCREEN, generate: { models, ...section } }))
  await run.write(
    { stage: 'pair', shard: 'example' },
    known.map((task) => rowOf(tasks, task)),
    [tasks],
  )
  const stage = validator === undefined ? generateStage : stageWith(validator)
  const failure: unknown = await run.run(stage).then(
    () => null,
    (error: unknown) => error,
  )
  return { run, server: { ...server, repair: () => void (isBroken = false) }, base, failure }
}

/** The stage with a judge that outlives its run. */
export function stageWith(validator: Validator): typeof generateStage {
  return {
    ...generateStage,
    open: async (_, cacheFolder, signal) => ({ validator, programs: openProgramWorker({ cacheFolder, signal }) }),
    close: ({ programs }) => programs.close(),
  }
}

/** Opens a judge with the settings of these runs. */
export async function openScreening(cacheFolder: string): Promise<Validator> {
  const options = { workers: 1, cacheFolder, signal: new AbortController().signal }
  return openValidator(validatorSettings(aRecipe({ validate: SCREEN })), options)
}

/** An answer with a module whose class has this body. */
export function codeBlock(body: string): string {
  return `\`\`\`python\nimport torch\n\n\nclass ModelNew(torch.nn.Module):\n    ${body}\n\`\`\`\n`
}
