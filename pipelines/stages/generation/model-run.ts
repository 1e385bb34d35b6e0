import { join, resolve } from 'node:path'
import { openAnswerLog } from '../../../extractors/models/answer-log.ts'
import type { AnswerLog } from '../../../extractors/models/answer-log.ts'
import { openBatchService } from '../../../extractors/models/batch-service.ts'
import { openEndpointPool } from '../../../extractors/models/endpoint-pool.ts'
import { openEndpoints } from '../../../extractors/models/endpoint.ts'
import { openModelService } from '../../../extractors/models/model-service.ts'
import type { ModelService } from '../../../extractors/models/model-service.ts'
import { feedbackOnEvaluations } from '../../../extractors/prompts/feedback.ts'
import { firstMessages, openPrompt } from '../../../extractors/prompts/kernel-prompt.ts'
import { rememberEvaluations } from '../../../validators/evaluation-cache.ts'
import type { Validator } from '../../../validators/types.ts'
import type { StageContext } from '../../core/stage.ts'
import type { TableRow } from '../../core/table.ts'
import type { Recipe } from '../recipe.ts'
import { validatorSettings } from '../validator-settings.ts'
import { journalledJudge, outcomeOf } from './candidate-judge.ts'
import type { CandidateJudge } from './candidate-judge.ts'
import type { ConversationSetting } from './conversation.ts'
import { mapInOrder } from './in-order.ts'
import type { ModelEntry } from './model-entry.ts'
import { rowsOfSamples } from './sample-rows.ts'
import type { TaskSamples } from './sample-rows.ts'
import { GENERATE } from './stage-version.ts'
import { sampleTask } from './task-samples.ts'
import { attemptsFor, tasksFor } from './task-stream.ts'
import type { Start } from './task-stream.ts'

type Context = StageContext<Recipe, Validator | null>

/** Asks models for the implementations of an entry. Everything that was answered is kept, whatever happens to this process. */
export async function* runModels(context: Context, entry: ModelEntry): AsyncGenerator<TableRow> {
  const log = await openAnswerLog(join(context.answersDirectory, `${entry.id}.jsonl`))
  let opened: OpenedService | null = null
  try {
    warnOfDamage(log, context)
    opened = await openService(context, entry, log)
    const { service, finish } = opened
    const setting: ConversationSetting = {
      entry,
      prompt: await openPrompt(entry.prompt, context.recipeDirectory),
      service,
      judge: context.resource === null ? null : openJudge(context, context.resource, log),
      recipeSeed: context.recipe.seed,
    }
    for await (const samples of sampleAll(context, setting)) {
      yield* rowsOfSamples(samples, { entry, prompt: setting.prompt, by: GENERATE })
    }
    await finish()
  } finally {
    await opened?.close()
    await log.close()
  }
}

function sampleAll(context: Context, setting: ConversationSetting): AsyncGenerator<TaskSamples> {
  const { progress, signal, resource } = context
  async function sample(start: Start): Promise<TaskSamples> {
    signal.throwIfAborted()
    progress.expect(1)
    const samples = await samplesFrom(start, setting)
    for (const { message, hint } of resource?.takeWarnings() ?? []) progress.warn?.(message, hint)
    progress.advance()
    return samples
  }
  const active = tasksAtOnce(setting.entry, resource?.concurrency ?? 0)
  const isRepair = setting.entry.start === 'failed_candidates'
  const starts = isRepair ? attemptsFor(context, setting.entry, setting.prompt) : tasksFor(context, setting.entry)
  return mapInOrder(starts, { active, held: 8 * active }, sample)
}

async function samplesFrom({ task, candidate }: Start, setting: ConversationSetting): Promise<TaskSamples> {
  const { prompt, judge } = setting
  const { id: taskId, reference } = task
  if (candidate === null || judge === null) {
    const first = firstMessages(prompt, { reference, attempt: null })
    return { taskId, attempt: null, conversations: await sampleTask(task, first, setting) }
  }
  const evaluations = await judge.judge(task, candidate)
  // What cannot be judged here is left alone, as is what is right.
  if (outcomeOf(evaluations).kind !== 'failed') return { taskId, attempt: null, conversations: [] }
  const feedback = feedbackOnEvaluations(evaluations, task, prompt)
  const code = candidate.sources[0]?.content ?? ''
  const first = firstMessages(prompt, { reference, attempt: { code, feedback } })
  const conversations = await sampleTask(task, first, setting)
  return { taskId, attempt: { candidate, feedback }, conversations }
}

// Enough that every endpoint has questions while as many as the validator can judge are judged, and no more: both queues are bounded.
function tasksAtOnce({ endpoints, samples }: ModelEntry, judges: number): number {
  const questions = endpoints.reduce((sum, { max_concurrent }) => sum + max_concurrent, 0)
  return Math.max(2, Math.ceil((2 * questions + 2 * judges) / samples))
}

function openJudge(context: Context, validator: Validator, answers: AnswerLog): CandidateJudge {
  const { recipe, world, cacheDirectory, log } = context
  const settings = validatorSettings(recipe)
  const scope = { settings, device: world.device }
  const telling: Pick<Validator, 'evaluate' | 'prepare'> = {
    prepare: (requests) => validator.prepare(requests),
    async evaluate(request) {
      const rows = await validator.evaluate(request)
      for (const time of validator.takeTimes()) log.info(time, 'judged')
      return rows
    },
  }
  const remembering = rememberEvaluations(telling, { folder: join(cacheDirectory, 'evaluations'), ...scope })
  return journalledJudge(remembering, answers, scope)
}

interface OpenedService {
  readonly service: ModelService
  /** Throws where answers are still waited for. */
  readonly finish: () => Promise<void>
  readonly close: () => Promise<void>
}

async function openService(
  { recipeDirectory, signal }: Context,
  { endpoints, batch, budget, retry }: ModelEntry,
  log: AnswerLog,
): Promise<OpenedService> {
  if (batch !== null) {
    const files = {
      requests: resolve(recipeDirectory, batch.requests),
      responses: resolve(recipeDirectory, batch.responses),
    }
    const service = await openBatchService(files, log, { budget, price: batch })
    return { service, finish: () => service.finish(), close: () => service.close() }
  }
  const pool = openEndpointPool(openEndpoints(endpoints, process.env), retry)
  const service = await openModelService({ pool, log, endpoints, budget, signal })
  return { service, finish: async () => undefined, close: async () => undefined }
}

function warnOfDamage({ numDamaged }: AnswerLog, { progress }: Context): void {
  if (numDamaged === 0) return
  progress.warn?.(
    `${numDamaged} lines of the kept answers cannot be read`,
    'The disk or another program damaged them; what they held is asked for again.',
  )
}
