import { z } from 'zod'
import type { AnswerLog } from './answer-log.ts'
import type { BatchResponses } from './batch-responses.ts'
import { openBudget } from './budget.ts'
import { usageOf } from './chat-message.ts'
import type { BudgetOptions } from './endpoint-options.ts'
import { amountOf, mostOf, spentBefore } from './spending.ts'
import type { Priced } from './spending.ts'
import type { ModelRequest } from './types.ts'

/** What a batch may take. */
export interface BatchLimits {
  readonly budget: BudgetOptions
  readonly price: Priced
}

/** Decides which questions go into the file of a round, in the order they are asked. */
export type Admission = (request: ModelRequest) => Promise<boolean>

/**
 * Nobody knows what the questions of a round take before their answers are there: each counts with the most it may take, and whatever
 * is answered with what it took. Questions after the first that does not fit wait for another round, or for good.
 */
export async function openAdmission(
  log: AnswerLog,
  responses: BatchResponses,
  { budget, price }: BatchLimits,
): Promise<Admission> {
  if (Object.values(budget).every((cap) => cap === null)) return async () => true
  // What was written and not answered is asked again, and counts then.
  const admission = openBudget(budget, await spentBefore(log, [price], { underWay: 'nothing' }))
  for (const key of responses.keys) {
    const isKnown = log.has('answer', key) || log.has('refused', key)
    if (isKnown || !log.has('asked', key)) continue
    const answer = await responses.read(key)
    if (answer === null || 'problem' in answer) admission.spend(ONE)
    else {
      const { prompt_tokens } = AskedLine.parse(await log.read('asked', key))
      const usage = await usageOf(answer, { messages: [] })
      const counted = usage.counted_by === 'counted' ? { ...usage, prompt_tokens } : usage
      admission.spend({ ...amountOf(counted, price), requests: 1 })
    }
  }
  let isExhausted = false
  return async (request) => {
    const most = await mostOf(request, [price])
    isExhausted = isExhausted || !admission.fits(most)
    if (!isExhausted) admission.spend(most)
    return !isExhausted
  }
}

const ONE = { requests: 1, tokens: 0, cost: 0 }
const AskedLine = z.object({ prompt_tokens: z.int() })
