import { openFileAtomic } from '../../pipelines/core/atomic-file.ts'
import type { GrowingFile } from '../../pipelines/core/atomic-file.ts'
import { CurateError } from '../../pipelines/core/errors.ts'
import type { AnswerLog } from './answer-log.ts'
import { openAdmission } from './batch-budget.ts'
import type { BatchLimits } from './batch-budget.ts'
import { openResponses } from './batch-responses.ts'
import type { BatchResponses } from './batch-responses.ts'
import { NOTHING } from './budget.ts'
import { bodyOf } from './chat-client.ts'
import { countPrompt, finishAnswer } from './chat-message.ts'
import type { Answered, ModelService } from './model-service.ts'
import { rememberedAnswer } from './remembered-answer.ts'
import { EXHAUSTED, amountOf } from './spending.ts'
import type { ModelRequest } from './types.ts'

/** A service that asks nobody: questions go to a file, and answers come from one. */
export interface BatchService extends ModelService {
  /** Puts the questions that have no answer yet into their file. Throws a CurateError that says where they are, where there are any. */
  finish(): Promise<void>
  /** Lets go of the files. Questions of a run that did not come to its end are in none. */
  close(): Promise<void>
}

/** The two files of a batch. */
export interface BatchFiles {
  readonly requests: string
  readonly responses: string
}

/**
 * Opens a service over batch files, one JSON object per line, as OpenAI's batch interface and `vllm run-batch` have them
 * (https://platform.openai.com/docs/guides/batch): `custom_id` links a response with its question. Neither file is held in memory.
 */
export async function openBatchService(files: BatchFiles, log: AnswerLog, limits: BatchLimits): Promise<BatchService> {
  const responses = await openResponses(files.responses)
  const admit = await openAdmission(log, responses, limits)
  const asked: Promise<void>[] = []
  let questions: GrowingFile | null = null
  let last: Promise<unknown> = Promise.resolve()

  // One after another, so that what the budget reaches for and the order in the file follow from the order of the questions.
  async function write(request: ModelRequest): Promise<Answered> {
    if (!(await admit(request))) return EXHAUSTED
    const { key, model } = request
    asked.push(log.append('asked', key, { model, prompt_tokens: await countPrompt(request) }))
    questions ??= await openFileAtomic(files.requests)
    await questions.write(lineOf(request))
    return { kind: 'not_asked', reason: 'waits_for_batch', detail: `its question is in ${files.requests}` }
  }

  async function ask(request: ModelRequest): Promise<Answered> {
    const { key } = request
    if (!log.has('answer', key) && !log.has('refused', key)) {
      const response = await responses.read(key)
      if (response === null) {
        const written = last.then(() => write(request))
        last = written.catch(() => undefined)
        return written
      }
      await keep(response, request, log, limits)
    }
    return rememberedAnswer(log, key)
  }
  return {
    ask,
    spent: NOTHING,
    async finish() {
      if (questions === null) return
      const written = questions
      questions = null
      await Promise.all(asked)
      await written.commit()
      throw new CurateError(
        'batch_waiting',
        `${asked.length === 1 ? '1 question waits' : `${asked.length} questions wait`} for an answer in ${files.requests}`,
        {
          hint: `Run them where the model is, for instance \`vllm run-batch -i requests.jsonl -o responses.jsonl\`, put the answers into ${files.responses} and run the same command again.`,
          retryable: true,
        },
      )
    },
    async close() {
      await last
      await questions?.discard()
      await responses.close()
    },
  }
}

function lineOf(request: ModelRequest): string {
  const line = { custom_id: request.key, method: 'POST', url: '/v1/chat/completions', body: bodyOf(request) }
  return `${JSON.stringify(line)}\n`
}

type Response = NonNullable<Awaited<ReturnType<BatchResponses['read']>>>

async function keep(response: Response, request: ModelRequest, log: AnswerLog, { price }: BatchLimits): Promise<void> {
  const { key, model } = request
  if ('problem' in response) {
    await log.append('refused', key, { reason: 'request_refused', detail: response.problem })
    return
  }
  const answer = await finishAnswer(response, request)
  await log.append('answer', key, { model, cost: amountOf(answer.usage, price).cost, answer })
}
