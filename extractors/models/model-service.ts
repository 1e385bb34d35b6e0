import { z } from 'zod'
import { toCurateError } from '../../pipelines/core/errors.ts'
import type { CurateError } from '../../pipelines/core/errors.ts'
import type { AnswerLog } from './answer-log.ts'
import { NOTHING, add, openBudget } from './budget.ts'
import type { Amount, Budget } from './budget.ts'
import { countPrompt } from './chat-message.ts'
import type { BudgetOptions, EndpointOptions } from './endpoint-options.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import { AnswerLine, UsageLine, rememberedAnswer } from './remembered-answer.ts'
import type { ModelAnswer, ModelRequest, Usage } from './types.ts'

/** What became of a question. */
export type Answered =
  | { readonly kind: 'answer'; readonly answer: ModelAnswer }
  | { readonly kind: 'refused'; readonly reason: string; readonly detail: string }
  /** Nobody was asked, and nothing is paid. */
  | { readonly kind: 'not_asked'; readonly reason: string; readonly detail: string }

/** Who answers questions: servers, or a file of answers. */
export interface ModelService {
  /** Questions are sent in the order of these calls. Throws for the failure of a machine alone. */
  ask(request: ModelRequest): Promise<Answered>
  readonly spent: Amount
}

/** What a service is made of. */
export interface ServiceParts {
  readonly pool: EndpointPool
  readonly log: AnswerLog
  readonly endpoints: readonly EndpointOptions[]
  readonly budget: BudgetOptions
  readonly signal: AbortSignal
}

/** Opens a service over endpoints: whatever was answered before is read from the log, everything else is paid for within the budget. */
export async function openModelService(parts: ServiceParts): Promise<ModelService> {
  const { log, endpoints, signal } = parts
  const before = await spentBefore(log, endpoints)
  const budget = openBudget(parts.budget, before)
  const underWay = new Map<string, Promise<Answered>>()
  let failure: CurateError | null = null

  async function answer(request: ModelRequest): Promise<Answered> {
    const most = mostOf(request, endpoints)
    if (!(await budget.admit(most))) return EXHAUSTED
    const reserved = await most
    let used = NOTHING
    try {
      // What fails for one fails for all: nobody else is asked, and what is under way comes to its end.
      if (failure !== null) throw failure
      signal.throwIfAborted()
      const outcome = await pay(request, parts, reserved, budget)
      used = { ...(outcome.used ?? NOTHING), requests: 1 }
      return outcome.answered
    } catch (error) {
      if (!signal.aborted) failure ??= toCurateError(error)
      throw error
    } finally {
      budget.settle(reserved, used)
    }
  }
  return {
    ask(request) {
      if (log.has('answer', request.key) || log.has('refused', request.key)) return rememberedAnswer(log, request.key)
      const same = underWay.get(request.key)
      if (same !== undefined) return same
      const asked = answer(request).finally(() => underWay.delete(request.key))
      underWay.set(request.key, asked)
      return asked
    },
    get spent() {
      return budget.spent
    },
  }
}

async function pay(
  request: ModelRequest,
  { pool, log, signal }: ServiceParts,
  { tokens }: Amount,
  budget: Budget,
): Promise<{ readonly answered: Answered; readonly used: Amount | null }> {
  const { key, model, sampling } = request
  await log.append('asked', key, { model, prompt_tokens: tokens - sampling.max_tokens })
  const outcome = await pool.ask(request, signal, async (usage, { options }) => {
    budget.spend(amountOf(usage, options))
    await log.append('lost', key, { model, usage })
  })
  if (outcome.kind === 'refused') {
    const { reason, detail } = outcome
    // A server that breaks down looks like that as well for a while: the next run asks again.
    if (reason === 'request_refused') await log.append('refused', key, { reason, detail })
    return { answered: outcome, used: null }
  }
  const { answer, endpoint } = outcome
  await log.append('answer', key, { model, cost: amountOf(answer.usage, endpoint.options).cost, answer })
  return { answered: { kind: 'answer', answer }, used: amountOf(answer.usage, endpoint.options) }
}

const EXHAUSTED: Answered = {
  kind: 'not_asked',
  reason: 'budget_exhausted',
  detail: 'the budget of the recipe does not reach for this question',
}

const AskedLine = z.object({ model: z.string(), prompt_tokens: z.int() })
const LostLine = z.object({ model: z.string(), usage: UsageLine })

// The most that a question can take: its own length, and an answer as long as it may get, at the highest price.
async function mostOf(request: ModelRequest, endpoints: readonly EndpointOptions[]): Promise<Amount> {
  const prompt_tokens = await countPrompt(request)
  const usage = { prompt_tokens, completion_tokens: request.sampling.max_tokens }
  return amountAt(usage, request.model, endpoints)
}

function amountAt(
  usage: Pick<Usage, 'prompt_tokens' | 'completion_tokens'>,
  model: string,
  endpoints: readonly EndpointOptions[],
): Amount {
  const amounts = endpoints.filter((options) => options.model === model).map((options) => amountOf(usage, options))
  return { ...(amounts.toSorted((a, b) => b.cost - a.cost)[0] ?? NOTHING), requests: 1 }
}

function amountOf(
  { prompt_tokens, completion_tokens }: Pick<Usage, 'prompt_tokens' | 'completion_tokens'>,
  { price }: Pick<EndpointOptions, 'price'>,
): Amount {
  const cost = price === null ? 0 : (prompt_tokens * price.input + completion_tokens * price.output) / 1e6
  return { requests: 0, tokens: prompt_tokens + completion_tokens, cost }
}

// What a killed process had under way is counted with its question alone: nobody knows how far the answer had come.
async function spentBefore(log: AnswerLog, endpoints: readonly EndpointOptions[]): Promise<Amount> {
  let spent = NOTHING
  const open = new Map<string, Amount[]>()
  for await (const { kind, key, value } of log.lines()) {
    if (kind === 'asked') {
      const { model, prompt_tokens } = AskedLine.parse(value)
      const usage = { prompt_tokens, completion_tokens: 0 }
      open.set(key, [...(open.get(key) ?? []), amountAt(usage, model, endpoints)])
    } else if (kind === 'answer') {
      const { answer, cost } = AnswerLine.parse(value)
      const { prompt_tokens, completion_tokens } = answer.usage
      spent = add(spent, { requests: 1, tokens: prompt_tokens + completion_tokens, cost })
      open.get(key)?.pop()
    } else if (kind === 'refused') {
      spent = add(spent, { requests: 1, tokens: 0, cost: 0 })
      open.get(key)?.pop()
    } else if (kind === 'lost') {
      const { model, usage } = LostLine.parse(value)
      spent = add(spent, { ...amountAt(usage, model, endpoints), requests: 0 })
    }
  }
  return [...open.values()].flat().reduce((sum, amount) => add(sum, amount), spent)
}
