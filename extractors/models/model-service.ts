import { toCurateError } from '../../pipelines/core/errors.ts'
import type { CurateError } from '../../pipelines/core/errors.ts'
import type { AnswerLog } from './answer-log.ts'
import { NOTHING, openBudget } from './budget.ts'
import type { Amount, Budget } from './budget.ts'
import type { BudgetOptions, EndpointOptions } from './endpoint-options.ts'
import type { EndpointPool } from './endpoint-pool.ts'
import { rememberedAnswer } from './remembered-answer.ts'
import { EXHAUSTED, amountOf, mostOf, spentBefore } from './spending.ts'
import type { ModelAnswer, ModelRequest } from './types.ts'

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
