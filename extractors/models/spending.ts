import { z } from 'zod'
import type { AnswerLog } from './answer-log.ts'
import { NOTHING, add } from './budget.ts'
import type { Amount } from './budget.ts'
import { countPrompt } from './chat-message.ts'
import type { EndpointOptions } from './endpoint-options.ts'
import { AnswerLine, UsageLine } from './remembered-answer.ts'
import type { Answered } from './model-service.ts'
import type { ModelRequest, Usage } from './types.ts'

/** What a model costs somewhere. */
export type Priced = Pick<EndpointOptions, 'model' | 'price'>
type Tokens = Pick<Usage, 'prompt_tokens' | 'completion_tokens'>

/** What is said of a question that the budget does not reach for. */
export const EXHAUSTED: Answered = {
  kind: 'not_asked',
  reason: 'budget_exhausted',
  detail: 'the budget of the recipe does not reach for this question',
}

/** The most that a question can take: its own length, and an answer as long as it may get, at the highest price. */
export async function mostOf(request: ModelRequest, prices: readonly Priced[]): Promise<Amount> {
  const prompt_tokens = await countPrompt(request)
  const usage = { prompt_tokens, completion_tokens: request.sampling.max_tokens }
  return amountAt(usage, request.model, prices)
}

/** What tokens cost; the question itself is not counted. */
export function amountOf({ prompt_tokens, completion_tokens }: Tokens, { price }: Pick<Priced, 'price'>): Amount {
  const cost = price === null ? 0 : (prompt_tokens * price.input + completion_tokens * price.output) / 1e6
  return { requests: 0, tokens: prompt_tokens + completion_tokens, cost }
}

const AskedLine = z.object({ model: z.string(), prompt_tokens: z.int() })
const LostLine = z.object({ model: z.string(), usage: UsageLine })

/**
 * What a log says was spent. What a killed process had under way is counted with its question alone, since nobody knows how far the
 * answer had come; questions that were only written down are under way without cost.
 */
export async function spentBefore(
  log: AnswerLog,
  prices: readonly Priced[],
  { underWay = 'question' }: { readonly underWay?: 'question' | 'nothing' } = {},
): Promise<Amount> {
  let spent = NOTHING
  const open = new Map<string, Amount[]>()
  for await (const { kind, key, value } of log.lines()) {
    if (kind === 'asked') {
      const { model, prompt_tokens } = AskedLine.parse(value)
      const usage = { prompt_tokens, completion_tokens: 0 }
      open.set(key, [...(open.get(key) ?? []), amountAt(usage, model, prices)])
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
      spent = add(spent, { ...amountAt(usage, model, prices), requests: 0 })
    }
  }
  if (underWay === 'nothing') return spent
  return [...open.values()].flat().reduce((sum, amount) => add(sum, amount), spent)
}

function amountAt(usage: Tokens, model: string, prices: readonly Priced[]): Amount {
  const amounts = prices.filter((each) => each.model === model).map((each) => amountOf(usage, each))
  return { ...(amounts.toSorted((a, b) => b.cost - a.cost)[0] ?? NOTHING), requests: 1 }
}
