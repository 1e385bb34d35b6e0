import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { writeFileAtomic } from '../../pipelines/core/atomic-file.ts'
import { CurateError, systemCodeOf } from '../../pipelines/core/errors.ts'
import { withoutSecrets } from '../../pipelines/core/secrets.ts'
import type { AnswerLog } from './answer-log.ts'
import { NOTHING } from './budget.ts'
import { bodyOf } from './chat-client.ts'
import { Completion, addCompletion, emptyAnswer, finishAnswer } from './chat-message.ts'
import type { Answered, ModelService } from './model-service.ts'
import { rememberedAnswer } from './remembered-answer.ts'
import type { ModelRequest } from './types.ts'

/** A service that asks nobody: questions go to a file, and answers come from one. */
export interface BatchService extends ModelService {
  /** Writes the questions that have no answer yet. Throws a CurateError that says where they are, where there are any. */
  finish(): Promise<void>
}

/** The two files of a batch. */
export interface BatchFiles {
  readonly requests: string
  readonly responses: string
}

/**
 * Opens a service over batch files, one JSON object per line, as OpenAI's batch interface and `vllm run-batch` have them
 * (https://platform.openai.com/docs/guides/batch): `custom_id` links a response with its question.
 */
export async function openBatchService(files: BatchFiles, log: AnswerLog): Promise<BatchService> {
  const responses = await readResponses(files.responses)
  const waiting = new Map<string, ModelRequest>()

  async function ask(request: ModelRequest): Promise<Answered> {
    const { key } = request
    if (!log.has('answer', key) && !log.has('refused', key)) {
      const response = responses.get(key)
      if (response === undefined) {
        waiting.set(key, request)
        return { kind: 'not_asked', reason: 'waits_for_batch', detail: `its question is in ${files.requests}` }
      }
      await keep(response, request, log)
    }
    return rememberedAnswer(log, key)
  }
  return {
    ask,
    spent: NOTHING,
    async finish() {
      if (waiting.size === 0) return
      await writeFileAtomic(files.requests, [...waiting.values()].map(lineOf).join(''))
      throw new CurateError('batch_waiting', `${waiting.size} questions wait for answers in ${files.requests}`, {
        hint: `Run them where the model is, for instance \`vllm run-batch -i requests.jsonl -o responses.jsonl\`, put the answers into ${files.responses} and run the same command again.`,
        retryable: true,
      })
    },
  }
}

function lineOf(request: ModelRequest): string {
  const line = { custom_id: request.key, method: 'POST', url: '/v1/chat/completions', body: bodyOf(request) }
  return `${JSON.stringify(line)}\n`
}

const Response = z.looseObject({
  custom_id: z.string(),
  response: z.looseObject({ status_code: z.int().nullish(), body: z.unknown() }).nullish(),
  error: z.unknown(),
})
type Response = z.infer<typeof Response>

// The whole file: answers are needed in another order than they stand in. Lines that are none of ours are left alone.
async function readResponses(path: string): Promise<Map<string, Response>> {
  const found = new Map<string, Response>()
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      const parsed = Response.safeParse(jsonOf(line))
      if (parsed.success && !found.has(parsed.data.custom_id)) found.set(parsed.data.custom_id, parsed.data)
    }
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
  }
  return found
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

async function keep(response: Response, request: ModelRequest, log: AnswerLog): Promise<void> {
  const completion = Completion.safeParse(response.response?.body)
  const answer = emptyAnswer()
  if (completion.success) addCompletion(answer, completion.data)
  if (answer.finish_reason === null) {
    const told = JSON.stringify(response.error ?? response.response ?? null).slice(0, 500)
    await log.append('refused', request.key, { reason: 'request_refused', detail: withoutSecrets(told) })
    return
  }
  const finished = await finishAnswer(answer, request)
  await log.append('answer', request.key, { model: request.model, cost: 0, answer: finished })
}
